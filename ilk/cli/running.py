"""A run from its first line to "Ready": used by fit, resume and demo."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote

from ilk import __version__
from ilk.cli.console import Console, duration
from ilk.cli.finishing import finish
from ilk.cli.keeping import keeper, unkept
from ilk.cli.request import Request, data_hash, request_of
from ilk.cli.settling import settled, start_again
from ilk.cli.summary import data_line, facts, labels_line
from ilk.cli.watching import Watcher, log, tell, write_metrics
from ilk.cli.wholeness import broken_parts, way_on
from ilk.data import Dataset
from ilk.errors import DataError, DivergedError, IlkError, InterruptedRunError, ModelError, ResourceError
from ilk.recipes import Start, fit
from ilk.recipes.beginning import begin
from ilk.recipes.default import choose_device
from ilk.storage.checkpoint import load_checkpoint
from ilk.storage.run import Run, create_run, open_run, read_config, update_config
from ilk.storage.tables import write_skipped, write_unmatched
from ilk.training import Callbacks


def start(request: Request, folder: Path, *, overwrite: bool, console: Console, started: float) -> Run:
    """A new run: the data are read first, so that bad data leave no folder behind."""
    request, beginning = settled(request)
    try:
        dataset = request.load(console)
    except KeyboardInterrupt:
        raise InterruptedRunError("Interrupted while the images were read; nothing was written.") from None
    dataset.require_trainable()
    require_usable(request, dataset, beginning)
    config = {
        "ilk": __version__,
        "request": request.as_config(),
        "command": sys.argv[1:],
        "versions": versions(),
        "data_hash": data_hash(dataset),
        "finished": False,
    }
    run = create_run(folder, overwrite=overwrite, config=config)
    write_left_out(run, dataset)
    tell(run, console, data_line(dataset, str(run.skipped)))
    tell(run, console, labels_line(dataset, str(run.unmatched)))
    say_plan(console, request, dataset, run)
    console.emit(event="data", **facts(dataset))
    train_and_finish(run, request, dataset, console, started, beginning=beginning)
    return run


def go_on(folder: Path, *, console: Console, started: float) -> None:
    """An interrupted run from its last checkpoint, or from the start where there is none.

    Raises:
        DataError: the data are not what the run began with.
    """
    run = open_run(folder)
    config = read_config(run)
    finished = bool(config.get("finished"))
    broken = broken_parts(run) if finished else []
    if finished and not broken:
        console.say(f"{run.path} is finished; nothing to do. Report: {run.report}")
        console.emit(event="ready", run=str(run.path), report=str(run.report))
        return
    request = request_of(config)
    checkpoint = load_checkpoint(run)
    beginning = None if checkpoint else start_again(request, run)
    if finished and checkpoint is None:
        raise ModelError(
            f"{run.path} is finished, but these parts are missing or damaged: {', '.join(broken)}. "
            "No checkpoint is left from which to make them again. Train again by `ilk fit`."
        )
    dataset = request.load(console)
    if data_hash(dataset) != config.get("data_hash"):
        raise DataError(
            f"{request.data} has changed since {run.path} began, so going on would mix two data sets. "
            "Put the data back as they were, or begin again with `ilk fit` and another --out."
        )
    step = checkpoint[1]["step"] if checkpoint else 0
    if broken:
        console.warn(f"{run.path} was finished, but lacks {', '.join(broken)} or holds it damaged: made again")
    tell(run, console, f"Resume  {run.path} from step {step:,}")
    write_left_out(run, dataset)
    if checkpoint:
        write_metrics(run, checkpoint[1]["history"])
    console.emit(event="resumed", run=str(run.path), step=step)
    train_and_finish(run, request, dataset, console, started, checkpoint, beginning)


def train_and_finish(
    run: Run,
    request: Request,
    dataset: Dataset,
    console: Console,
    started: float,
    checkpoint: tuple[dict, dict] | None = None,
    beginning: Start | None = None,
) -> None:
    """Train to the end, then write everything that a finished run holds."""
    try:
        with console.progress("Train") as update, interruptible(console) as stopped:
            watcher = Watcher(run, request.settings, dataset, console, update)
            callbacks = Callbacks(
                on_record=watcher.on_record,
                on_state=keeper(run, request.keep_epochs, dataset, request.settings),
                on_step=watcher.on_step,
                save=watcher.save,
                stop=stopped,
            )
            fitted = fit(
                dataset,
                request.settings,
                network=request.network,
                dim=request.dim,
                strided=request.strided,
                start=beginning,
                freeze_to=request.freeze_to,
                device=request.device,
                callbacks=callbacks,
                checkpoint=checkpoint,
                started=started,
            )
        for epoch in unkept(run, request.keep_epochs):
            tell(run, console, f"Note    epoch {epoch:g} was not reached, so its weights are not kept")
        finish(run, request, dataset, fitted, console)
    except InterruptedRunError as error:
        raise logged(run, InterruptedRunError(f"{error} Go on with: ilk resume {quote(str(run.path))}")) from error
    except DivergedError as error:
        raise logged(run, DivergedError(f"{error} State: {run.checkpoints}")) from error
    except ResourceError as error:
        raise logged(run, ResourceError(f"{error} {way_on(run)}")) from error
    except KeyboardInterrupt:
        raise logged(run, InterruptedRunError(f"Stopped at once. {way_on(run)}")) from None
    update_config(run, finished=True)
    log(run, f"ready after {duration(time.monotonic() - started)}")


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
        UsageError: a device that is not here, images too small for the network, or layers that it does not have.
    """
    choose_device(request.device)
    begin(
        dataset,
        request.settings,
        network=request.network,
        dim=request.dim,
        strided=request.strided,
        start=beginning,
        freeze_to=request.freeze_to,
    )


def say_plan(console: Console, request: Request, dataset: Dataset, run: Run) -> None:
    """One line on what will be done, and the sentences that the data deserve."""
    settings = request.settings
    height, width = dataset.images.shape[2:]
    length = f"{settings.epochs:g} epochs" if settings.epochs else duration(settings.time_limit or 0)
    tell(
        run,
        console,
        f"Plan    recipe default, network {request.network}, {height}×{width} px, augmentation {settings.augment}, "
        f"{choose_device(request.device)}, seed {settings.seed}, {length}   out: {run.path}",
    )
    if request.start:
        frozen = f", all layers up to {request.freeze_to} as they are" if request.freeze_to else ""
        tell(run, console, f"From    {request.start}{frozen}")
    for note in dataset.notes:
        tell(run, console, f"Note    {note}")
    if len(dataset.classes) > settings.compared:
        tell(
            run,
            console,
            f"Note    each step compares {settings.compared} of the {len(dataset.classes):,} classes, drawn at random: "
            "another objective than comparing all",
        )


def versions() -> dict[str, str]:
    """The versions on which a run's bits depend."""
    import numpy
    import torch

    return {
        "ilk": __version__,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "numpy": numpy.__version__,
    }


@contextmanager
def interruptible(console: Console) -> Iterator[Callable[[], bool]]:
    """The first Ctrl-C asks to stop after the step, the second stops at once; gives stopped()."""
    asked = threading.Event()

    def ask(number: int, frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        console.warn("Stopping after this step; once more to stop at once.")

    # Only a program's main thread may catch signals; elsewhere a run cannot be stopped this way.
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
