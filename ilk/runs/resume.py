"""Go on with an interrupted run from its last checkpoint, bit for bit as if it had not stopped."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ilk.data import Dataset
from ilk.errors import DataError, ModelError
from ilk.runs.events import SILENT, Events, Stop
from ilk.runs.failure import explain_failure
from ilk.runs.integrity import broken_parts
from ilk.runs.recorder import write_metrics
from ilk.runs.reproducibility import require_same_data, require_same_settings, require_same_software, same_threads
from ilk.runs.request import Request, request_of
from ilk.runs.resolve import Plan, plan_of, start_again
from ilk.runs.session import Session
from ilk.runs.threads import THREADS
from ilk.runs.train import Checkpoint, begin_training, train_and_finish, write_left_out
from ilk.storage.checkpoint import load_checkpoint
from ilk.storage.lock import READING, holding
from ilk.storage.run import Run, open_run, read_config


def resume_run(
    folder: str | Path, *, stop: Stop | None = None, started: float | None = None, events: Events = SILENT
) -> Run:
    """Go on with a run; one that is finished and whole stays as it is, and what another lacks is made again.

    Args:
        folder: of the run.
        stop: ends it again after the present step.
        started: when the time limit began, by time.monotonic(); None for now.
        events: who is told.
    Raises:
        DataError: the data are not what the run began with.
        UsageError: the settings or the software are not, or another process is at it.
        ModelError: a checkpoint, or the weights that the run begins with, are damaged.
    """
    run = open_run(folder)
    session = Session(run, events, stop or Stop(), time.monotonic() if started is None else started)
    finished = bool(read_config(run).get("finished"))
    broken = broken_parts(run) if finished else []
    if finished and not broken:
        session.events.say(f"{run.path} is finished; nothing to do. Report: {run.report}")
        session.events.emit(event="ready", run=str(run.path), report=str(run.report))
        return run
    with holding(run):
        config = read_config(run)  # again: until now, another process may have gone on with it
        if config.get(READING):
            session.events.say(f"Resume  {run.path} from the reading of its images")
            session = replace(session, choose_threads=THREADS in config)
            begin_training(session, request_of(config), config.get("command", []))
            return run
        if broken:
            lack = f"lacks {', '.join(broken)} or holds it damaged"
            session.events.warn(f"{run.path} was finished, but {lack}: made again")
        with same_threads(config), explain_failure(run):
            continue_training(session, config, broken)
    return run


def continue_training(session: Session, config: dict[str, Any], broken: list[str]) -> None:
    """The rest of a run, after everything that decides its bits has been found as it was."""
    run, plan, checkpoint = session.run, plan_of(config), load_checkpoint(session.run)
    plan = replace(plan, start=None if checkpoint else start_again(plan.request, run))
    if broken and checkpoint is None:
        raise ModelError(
            f"{run.path} is finished, but these parts are missing or damaged: {', '.join(broken)}. "
            "No checkpoint is left from which to make them again. Train again by `ilk fit`."
        )
    place: dict[str, Any] = checkpoint[1] if checkpoint else {"step": 0}
    require_same_settings(run, plan, place.get("request"))
    trained = place["step"] == place.get("total")
    require_same_software(run, config, session.events, trained=trained)
    dataset = load_again(run, plan.request, session.events)
    require_same_data(run, plan.request, config, dataset)
    say_place(session, dataset, checkpoint)
    device = "auto" if trained else config.get("machine", {}).get("device", plan.request.device)
    train_and_finish(session, on_device(plan, device), dataset, checkpoint)


def load_again(run: Run, request: Request, events: Events) -> Dataset:
    """The images of a run.

    Raises:
        DataError: they cannot be used; where they are gone, it says how to name their new place.
    """
    try:
        return request.load(events)
    except DataError as error:
        if Path(request.data).exists():
            raise
        moved = f'If the images have moved, write their new place into {run.config}, as "data".'
        raise DataError(f"{error} {moved}") from error


def say_place(session: Session, dataset: Dataset, checkpoint: Checkpoint | None) -> None:
    """From which step the run goes on; the tables that were written until then are written again."""
    step = checkpoint[1]["step"] if checkpoint else 0
    session.say(f"Resume  {session.run.path} from step {step:,}")
    write_left_out(session.run, dataset)
    if checkpoint:
        write_metrics(session.run, checkpoint[1]["history"])
    session.events.emit(event="resumed", run=str(session.run.path), step=step)


def on_device(plan: Plan, device: str) -> Plan:
    """The same plan on the device on which the run began."""
    return replace(plan, request=replace(plan.request, device=device))
