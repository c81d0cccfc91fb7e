"""Train a space on images and a few labels, and write a run folder. Torch is imported once the folder is there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from ilk.errors import UsageError
from ilk.runs.events import SILENT, Events, Stop
from ilk.runs.request import Request
from ilk.runs.session import Session
from ilk.runs.threads import nothing_chosen
from ilk.storage.lock import begin_run
from ilk.storage.run import Run


def fit_run(
    request: Request,
    out: str | Path,
    *,
    overwrite: bool = False,
    command: Sequence[str] = (),
    stop: Stop | None = None,
    started: float | None = None,
    choose_threads: bool = False,
    events: Events = SILENT,
) -> Run:
    """A new run in a folder: model, predictions, report, and checkpoints on the way.

    Args:
        request: the data, the network and the settings.
        out: the run folder; it is left as it was if the data cannot be used.
        overwrite: replace an earlier run.
        command: the arguments of the command line, for config.json and the report.
        stop: ends the run after the present step, from a signal or another thread.
        started: when the time limit began, by time.monotonic(); None for now.
        choose_threads: let the number of PyTorch's threads follow the pace of the steps; it changes the process's.
        events: who is told.
    Raises:
        UsageError: settings that cannot be meant, or a folder that cannot be used.
        DataError: images or labels that cannot be used.
        InterruptedRunError, DivergedError, ResourceError: the sentence says how to go on.
    Example:
        >>> fit_run(Request("pets", epochs=10), "runs/pets").report  # doctest: +SKIP
        PosixPath('runs/pets/report.html')
    """
    run = Run(Path(out))
    require_apart(request, run.path)
    session = Session(run, events, stop or Stop(), time.monotonic() if started is None else started, choose_threads)
    config = {"request": request.as_config(), "command": list(command), "finished": False}
    config |= nothing_chosen() if choose_threads else {}
    with begin_run(run, overwrite=overwrite, config=config):
        from ilk.runs.train import begin_training

        begin_training(session, request, command)
    return run


def require_apart(request: Request, out: Path) -> None:
    """Refuse a run that would replace the one that it begins from; raises UsageError."""
    if request.start is not None and Path(request.start).resolve() == out.resolve():
        raise UsageError(f"{out} cannot be both the start of the run and its place: name another `out`.")
