"""Train a run and write its outputs, in a folder that this process holds: what fit and resume share."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ilk import __version__
from ilk.data import Dataset
from ilk.data.groups_table import in_words
from ilk.data.summary import data_line, facts, labels_line
from ilk.errors import DivergedError, InterruptedRunError
from ilk.model.initial_weights import require_beginning
from ilk.recipes import FitResult, fit, group_numbers
from ilk.recipes.default import choose_device
from ilk.runs.failure import explain_failure
from ilk.runs.integrity import replace_run
from ilk.runs.intervals import duration
from ilk.runs.outputs import seconds_of_outputs, write_outputs
from ilk.runs.recipe_options import recipe_in_words
from ilk.runs.recorder import Recorder
from ilk.runs.reproducibility import counts, data_hash, machine, same_threads, versions
from ilk.runs.request import Request
from ilk.runs.resolve import Plan, resolve
from ilk.runs.session import Session, log
from ilk.runs.snapshots import keeper, missing_epochs
from ilk.runs.threads import nothing_chosen, with_threads
from ilk.shapes import Groups
from ilk.storage.run import Run, update_config
from ilk.storage.tables import write_skipped, write_unmatched

Checkpoint = tuple[dict, dict]
"""Tensors by name, and the place in the run with all that is not a tensor."""


def begin_training(session: Session, request: Request, command: Sequence[str]) -> None:
    """A new run; until the data are known to be usable, its folder holds a config.json that says so, and no more."""
    plan = resolve(request)
    try:
        dataset = plan.request.load(session.events)
        dataset.require_trainable()
        require_usable(plan, dataset)
    except KeyboardInterrupt:
        raise InterruptedRunError("Interrupted while the images were read; nothing was written.") from None
    config = config_of(plan, dataset, command) | (nothing_chosen() if session.choose_threads else {})
    replace_run(session.run, config)
    with same_threads(config), explain_failure(session.run):
        write_left_out(session.run, dataset)
        session.say(data_line(dataset, str(session.run.skipped)))
        session.say(labels_line(dataset, str(session.run.unmatched)))
        say_plan(session, plan, dataset)
        session.events.emit(event="data", **facts(dataset))
        train_and_finish(session, plan, dataset)


def config_of(plan: Plan, dataset: Dataset, command: Sequence[str]) -> dict[str, Any]:
    """What config.json holds of a run that has begun."""
    return {
        "ilk": __version__,
        "request": plan.as_config(),
        "command": list(command),
        "versions": versions(),
        "machine": machine(plan.request.device),
        "data_hash": data_hash(dataset),
        "counts": counts(dataset),
        "finished": False,
    }


def train_and_finish(session: Session, plan: Plan, dataset: Dataset, checkpoint: Checkpoint | None = None) -> None:
    """Train to the end, then write everything that a finished run holds."""
    recorder, run = Recorder(session, plan, dataset), session.run
    session.stop.waits = checkpoint is None or checkpoint[1]["step"] != checkpoint[1]["total"]
    with session.events.progress("Train") as recorder.update:
        fitted = train_space(plan, dataset, recorder, checkpoint)
    for epoch in missing_epochs(run, plan.request.keep_epochs):
        session.say(f"Note    epoch {epoch:g} was not reached, so its weights are not kept")
    for note in fitted.notes():
        session.say(f"Note    {note}")
    write_outputs(session, plan, dataset, fitted)
    session.stop.check()
    log(run, f"ready after {duration(time.monotonic() - session.started)}")
    update_config(run, finished=True)


def train_space(plan: Plan, dataset: Dataset, recorder: Recorder, checkpoint: Checkpoint | None) -> FitResult:
    """The space at the end of the training, which the recorder follows."""
    request, session = plan.request, recorder.session
    callbacks = recorder.callbacks(keeper(session.run, request.keep_epochs))
    step = checkpoint[1]["step"] if checkpoint else 0
    try:
        return fit(
            dataset,
            plan.settings,
            method=plan.method,
            network=request.network,
            dim=request.dim,
            strided=request.strided,
            start=plan.start,
            freeze_to=request.freeze_to,
            device=request.device,
            callbacks=with_threads(callbacks, session.run, request.device, step),
            groups=groups_of(request, dataset),
            checkpoint=checkpoint,
            started=session.started,
            reserve=seconds_of_outputs(len(dataset)),
        )
    except DivergedError:
        recorder.name_batch()
        raise


def write_left_out(run: Run, dataset: Dataset) -> None:
    """The files that are not used, and the rows of the labels file that name none."""
    write_skipped(run.skipped, [(skipped.file, skipped.reason) for skipped in dataset.skipped])
    write_unmatched(run.unmatched, [(row.line, row.filename, row.label, row.nearest) for row in dataset.unmatched])


def require_usable(plan: Plan, dataset: Dataset) -> None:
    """Refuse what training would refuse before a folder is begun or an earlier run replaced.

    Raises:
        UsageError: a device that is not here, images too small for the network, layers that it does not have, or
            groups of classes that there are not.
        ChannelsError, ModelError: weights to begin from that do not fit.
    """
    request = plan.request
    choose_device(request.device)
    groups_of(request, dataset)
    require_beginning(
        dataset,
        plan.settings,
        network=request.network,
        dim=request.dim,
        options={"strided": True} if request.strided else {},
        start=plan.start,
        freeze_to=request.freeze_to,
    )


def groups_of(request: Request, dataset: Dataset) -> Groups | None:
    """The group of each class, where some are known to overlap."""
    return None if request.groups is None else group_numbers(dataset.classes, request.groups)


def say_plan(session: Session, plan: Plan, dataset: Dataset) -> None:
    """One line on what will be done, and the sentences that the data deserve."""
    request, settings = plan.request, plan.settings
    height, width = dataset.images.shape[2:]
    length = f"{settings.epochs:g} epochs" if settings.epochs else duration(settings.time_limit or 0)
    session.say(
        f"Plan    recipe {recipe_in_words(request, settings)}, network {request.network}, {height}×{width} px, "
        f"augmentation {settings.augment}, {choose_device(request.device)}, seed {settings.seed}, {length}"
        f"   out: {session.run.path}"
    )
    if request.start:
        frozen = f", all layers up to {request.freeze_to} as they are" if request.freeze_to else ""
        session.say(f"From    {request.start}{frozen}")
    if request.groups:
        session.say(f"Groups  {in_words(request.groups)}: nothing is asked of unlabeled images within a group")
    for note in dataset.notes:
        session.say(f"Note    {note}")
    compared = getattr(plan.method, "sampled_classes", len(dataset.classes))
    if len(dataset.classes) > compared:
        session.say(
            f"Note    each step compares {compared} of the {len(dataset.classes):,} classes, drawn at random: "
            "another objective than comparing all"
        )
