"""A run from its first line to "Ready": used by fit, resume and demo."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

from ilk import __version__
from ilk.data import Dataset
from ilk.data.groups_table import in_words
from ilk.data.summary import data_line, facts, labels_line
from ilk.errors import DataError, DivergedError, IlkError, InterruptedRunError, ModelError, ResourceError, UsageError
from ilk.model.initial_weights import begin
from ilk.recipes import FitResult, Start, fit, group_numbers
from ilk.recipes.default import choose_device
from ilk.runs.events import Events, Stop
from ilk.runs.integrity import broken_parts, replace_run, way_on
from ilk.runs.intervals import duration
from ilk.runs.outputs import finish
from ilk.runs.recipe_options import plan_of
from ilk.runs.recorder import Recorder, log, tell, write_metrics
from ilk.runs.reproducibility import (
    counts,
    machine,
    require_same_data,
    require_same_settings,
    require_same_software,
    same_threads,
    versions,
)
from ilk.runs.request import Request, data_hash, request_of
from ilk.runs.resolve import settled, start_again
from ilk.runs.snapshots import keeper, unkept
from ilk.runs.threads import THREADS, nothing_chosen, with_threads
from ilk.shapes import Groups
from ilk.storage.checkpoint import load_checkpoint
from ilk.storage.lock import READING, holding
from ilk.storage.run import Run, open_run, read_config, update_config
from ilk.storage.tables import write_skipped, write_unmatched
from ilk.training.faults import is_out_of_memory


def start(
    run: Run, request: Request, events: Events, stop: Stop, started: float, *, choose_threads: bool = False
) -> None:
    """A new run in a folder that is held for it; nothing is written before the data are known to be usable.

    With `choose_threads` the number of PyTorch's threads follows the pace of the steps, on a CPU; else it stays.
    """
    request, beginning = settled(request)
    try:
        dataset = request.load(events)
        dataset.require_trainable()
        require_usable(request, dataset, beginning)
    except KeyboardInterrupt:
        raise InterruptedRunError("Interrupted while the images were read; nothing was written.") from None
    config = {
        "ilk": __version__,
        "request": request.as_config(),
        "command": read_config(run).get("command", []),
        "versions": versions(),
        "machine": machine(request.device),
        "data_hash": data_hash(dataset),
        "counts": counts(dataset),
        "finished": False,
    } | (nothing_chosen() if choose_threads else {})
    replace_run(run, config)
    with same_threads(config), accounted(run):
        write_left_out(run, dataset)
        tell(run, events, data_line(dataset, str(run.skipped)))
        tell(run, events, labels_line(dataset, str(run.unmatched)))
        say_plan(events, request, dataset, run)
        events.emit(event="data", **facts(dataset))
        train_and_finish(run, request, dataset, events, stop, started, beginning=beginning)


def go_on(folder: Path, *, events: Events, stop: Stop, started: float) -> None:
    """An interrupted run from its last checkpoint, or from the start where there is none.

    Raises:
        DataError: the data are not what the run began with.
        UsageError: the settings or the software are not, or another process is at it.
    """
    run = open_run(folder)
    config = read_config(run)
    finished = bool(config.get("finished"))
    broken = broken_parts(run) if finished else []
    if finished and not broken:
        events.say(f"{run.path} is finished; nothing to do. Report: {run.report}")
        events.emit(event="ready", run=str(run.path), report=str(run.report))
        return
    with holding(run):
        config = read_config(run)  # again: until now, another process may have gone on with it
        if config.get(READING):
            events.say(f"Resume  {run.path} from the reading of its images")
            start(run, request_of(config), events, stop, started, choose_threads=THREADS in config)
            return
        if broken:
            events.warn(f"{run.path} was finished, but lacks {', '.join(broken)} or holds it damaged: made again")
        with same_threads(config), accounted(run):
            continue_from_checkpoint(run, config, broken, events, stop, started)


def continue_from_checkpoint(
    run: Run, config: dict[str, Any], broken: list[str], events: Events, stop: Stop, started: float
) -> None:
    """The rest of a run, after everything that decides its bits has been found as it was."""
    request = request_of(config)
    checkpoint = load_checkpoint(run)
    beginning = None if checkpoint else start_again(request, run)
    place: dict[str, Any] = checkpoint[1] if checkpoint else {"step": 0}
    if broken and checkpoint is None:
        raise ModelError(
            f"{run.path} is finished, but these parts are missing or damaged: {', '.join(broken)}. "
            "No checkpoint is left from which to make them again. Train again by `ilk fit`."
        )
    require_same_settings(run, request, place.get("request"))
    trained = place["step"] == place.get("total")
    require_same_software(run, config, events, trained=trained)
    try:
        dataset = request.load(events)
    except DataError as error:
        if Path(request.data).exists():
            raise
        moved = f'If the images have moved, write their new place into {run.config}, as "data".'
        raise DataError(f"{error} {moved}") from error
    require_same_data(run, request, config, dataset)
    tell(run, events, f"Resume  {run.path} from step {place['step']:,}")
    write_left_out(run, dataset)
    if checkpoint:
        write_metrics(run, place["history"])
    events.emit(event="resumed", run=str(run.path), step=place["step"])
    device = "auto" if trained else config.get("machine", {}).get("device", request.device)
    train_and_finish(run, replace(request, device=device), dataset, events, stop, started, checkpoint, beginning)


def train_and_finish(
    run: Run,
    request: Request,
    dataset: Dataset,
    events: Events,
    stop: Stop,
    started: float,
    checkpoint: tuple[dict, dict] | None = None,
    beginning: Start | None = None,
) -> None:
    """Train to the end, then write everything that a finished run holds."""
    watcher = Recorder(run, request, dataset, events)
    stop.waits = checkpoint is None or checkpoint[1]["step"] != checkpoint[1]["total"]
    with events.progress("Train") as watcher.update:
        fitted = trained(request, dataset, watcher, stop, started, checkpoint, beginning)
    for epoch in unkept(run, request.keep_epochs):
        tell(run, events, f"Note    epoch {epoch:g} was not reached, so its weights are not kept")
    for note in fitted.notes():
        tell(run, events, f"Note    {note}")
    finish(run, request, dataset, fitted, events)
    log(run, f"ready after {duration(time.monotonic() - started)}")
    update_config(run, finished=True)


def trained(
    request: Request,
    dataset: Dataset,
    watcher: Recorder,
    stop: Stop,
    started: float,
    checkpoint: tuple[dict, dict] | None,
    beginning: Start | None,
) -> FitResult:
    """The space at the end of the training, which the watcher has followed."""
    keep = keeper(watcher.run, request.keep_epochs, dataset, request.settings)
    callbacks = watcher.callbacks(keep, stop)
    step = checkpoint[1]["step"] if checkpoint else 0
    try:
        return fit(
            dataset,
            request.settings,
            network=request.network,
            dim=request.dim,
            strided=request.strided,
            start=beginning,
            freeze_to=request.freeze_to,
            device=request.device,
            callbacks=with_threads(callbacks, watcher.run, request.device, step),
            groups=groups_of(request, dataset),
            checkpoint=checkpoint,
            started=started,
        )
    except DivergedError:
        watcher.name_batch()
        raise


@contextmanager
def accounted(run: Run) -> Iterator[None]:
    """Say of whatever ends a run from where it goes on, looking at what is really there; and log it."""
    try:
        yield
    except InterruptedRunError as error:
        raise logged(run, InterruptedRunError(f"{error} Go on with: ilk resume {quote(str(run.path))}")) from error
    except DivergedError as error:
        raise logged(run, DivergedError(f"{error} {way_on(run)}")) from error
    except ResourceError as error:
        raise logged(run, ResourceError(f"{error} {way_on(run)}")) from error
    except UsageError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        if not run.config.exists():
            raise ResourceError(
                f"{error} The run folder {run.path} has vanished, and the run with it. Begin again with `ilk fit`."
            ) from error
        raise logged(run, UsageError(f"{error} {way_on(run)}")) from error
    except KeyboardInterrupt:
        raise logged(run, InterruptedRunError(f"Stopped at once. {way_on(run)}")) from None
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        text = f"Out of memory. Close other programs, or train again with smaller images (--size). {way_on(run)}"
        raise logged(run, ResourceError(text)) from error


def logged(run: Run, error: IlkError) -> IlkError:
    """The same error, after its sentence has gone to train.log if there is room for it."""
    with suppress(IlkError):
        log(run, f"Stopped {error}")
    return error


def write_left_out(run: Run, dataset: Dataset) -> None:
    """The files that are not used, and the rows of the labels file that name none."""
    write_skipped(run.skipped, [(skipped.file, skipped.reason) for skipped in dataset.skipped])
    write_unmatched(run.unmatched, [(row.line, row.filename, row.label, row.nearest) for row in dataset.unmatched])


def require_usable(request: Request, dataset: Dataset, beginning: Start | None) -> None:
    """Refuse what training would refuse before a folder is begun or an earlier run replaced.

    Raises:
        UsageError: a device that is not here, images too small for the network, layers that it does not have, or
            groups of classes that there are not.
    """
    choose_device(request.device)
    groups_of(request, dataset)
    begin(
        dataset,
        request.settings,
        network=request.network,
        dim=request.dim,
        strided=request.strided,
        start=beginning,
        freeze_to=request.freeze_to,
    )


def groups_of(request: Request, dataset: Dataset) -> Groups | None:
    """The group of each class, where some are known to overlap."""
    return None if request.groups is None else group_numbers(dataset.classes, request.groups)


def say_plan(events: Events, request: Request, dataset: Dataset, run: Run) -> None:
    """One line on what will be done, and the sentences that the data deserve."""
    settings = request.settings
    height, width = dataset.images.shape[2:]
    length = f"{settings.epochs:g} epochs" if settings.epochs else duration(settings.time_limit or 0)
    tell(
        run,
        events,
        f"Plan    recipe {plan_of(request)}, network {request.network}, {height}×{width} px, "
        f"augmentation {settings.augment}, {choose_device(request.device)}, seed {settings.seed}, {length}"
        f"   out: {run.path}",
    )
    if request.start:
        frozen = f", all layers up to {request.freeze_to} as they are" if request.freeze_to else ""
        tell(run, events, f"From    {request.start}{frozen}")
    if request.groups:
        tell(run, events, f"Groups  {in_words(request.groups)}: nothing is asked of unlabeled images within a group")
    for note in dataset.notes:
        tell(run, events, f"Note    {note}")
    if len(dataset.classes) > settings.compared:
        tell(
            run,
            events,
            f"Note    each step compares {settings.compared} of the {len(dataset.classes):,} classes, drawn at random: "
            "another objective than comparing all",
        )
