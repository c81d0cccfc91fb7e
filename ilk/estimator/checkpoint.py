"""The checkpoint of a fit: what `NeighborEmbedding(checkpoint=FOLDER)` saves, and how the same fit resumes from it."""

from __future__ import annotations

import json
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ilk.data import Dataset
from ilk.errors import DataError, InterruptedRunError, UsageError
from ilk.estimator.parameters import sides_of
from ilk.recipes import FitResult
from ilk.recipes.default import choose_network
from ilk.runs.events import Stop
from ilk.runs.reproducibility import DECIDING, data_hash, machine, same_threads, versions
from ilk.storage.checkpoint import load_checkpoint, save_checkpoint
from ilk.storage.files import to_json, write_error
from ilk.storage.lock import holding
from ilk.storage.run import LOCK, Run
from ilk.training import Callbacks, Settings, TrainingState

SECONDS = 60.0
"""Between two checkpoints; one more is saved when the fit is interrupted, and one at its end."""
FREE = ("checkpoint", "max_pixels", "n_neighbors", "random_state", "verbose")
"""Parameters that do not decide what is trained; the random state does as the seed that it stands for."""


def train_with_checkpoint(
    train: Callable[..., FitResult],
    dataset: Dataset,
    settings: Settings,
    given: Mapping[str, Any],
    callbacks: Callbacks,
) -> tuple[FitResult, Settings]:
    """Train with checkpoints in a folder, from the one that the same fit has left there if there is one.

    The checkpoint of a finished fit stays, and the same fit returns at once from it.

    Args:
        train: `ilk.recipes.fit` with its data; it is given the settings, callbacks and checkpoint.
        dataset: for the fingerprint of images and labels.
        settings: of the training; where `random_state` is None, the seed is that of the checkpoint.
        given: all parameters of the estimator by name; "checkpoint" is the folder.
        callbacks: those of the caller, which are called too.
    Raises:
        UsageError: other parameters or versions than those of the checkpoint, or a folder of something else.
        DataError: other images or labels.
        ModelError: the checkpoint is damaged.
        InterruptedRunError: stopped by Ctrl-C; it says how to resume.
    """
    folder = Path(given["checkpoint"])
    run = _usable(folder)
    with holding(run):
        saved = load_checkpoint(run)
        then = None if saved is None else saved[1].get("fit")
        if saved is not None and not isinstance(then, dict):
            raise UsageError(f"{folder} holds no checkpoint of NeighborEmbedding. Name another folder by `checkpoint`.")
        if then is not None and given["random_state"] is None:
            settings = replace(settings, seed=then["parameters"]["random_state"])
        now = _about(dataset, settings, given)
        if saved is not None and then is not None:
            _require_same(folder, then, now, trained=saved[1]["step"] == saved[1]["total"])
        keeper = _Keeper(run, then or now)
        if saved is not None:
            keeper.step, keeper.stop.waits = saved[1]["step"], saved[1]["step"] != saved[1]["total"]
        with same_threads(keeper.about), _stopping(keeper.stop), _explained(keeper):
            return train(settings, callbacks=keeper.added_to(callbacks), checkpoint=saved), settings


@dataclass
class _Keeper:
    """Saves the state of a training now and then, and asks it to stop."""

    run: Run
    about: dict[str, Any]
    step: int | None = None
    """Of the newest checkpoint; None before the first."""
    saved_at: float = field(default_factory=time.monotonic)
    stop: Stop = field(default_factory=Stop)

    def __post_init__(self) -> None:
        self.stop.waits = True

    def added_to(self, callbacks: Callbacks) -> Callbacks:
        return replace(callbacks, save=self.save, stop=self.stop)

    def save(self, state: TrainingState, must: bool) -> None:
        due = time.monotonic() - self.saved_at >= SECONDS
        if (must or due) and state.is_finite():
            save_checkpoint(self.run, state.tensors(), {**state.metadata(), "fit": self.about})
            self.saved_at, self.step = time.monotonic(), state.step
        self.stop.waits = state.step != state.total
        if self.stop.requested and not self.stop.waits:
            raise KeyboardInterrupt  # the loop has ended, and would not ask


def _usable(folder: Path) -> Run:
    """The folder, made if need be; refused if anything but checkpoints is in it."""
    run = Run(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        foreign = sorted({path.name for path in folder.iterdir()} - {LOCK, run.checkpoints.name})
    except OSError as error:
        raise write_error(error, folder) from error
    if foreign:
        raise UsageError(
            f"{folder} holds {foreign[0]}, which is no checkpoint, so it is left alone. Name another folder by "
            "`checkpoint`."
        )
    return run


def _about(dataset: Dataset, settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    """What decides the bits of a fit, as JSON has it."""
    parameters = {name: value for name, value in given.items() if name not in FREE}
    parameters |= {"network": choose_network(given["network"]), "size": sides_of(given["size"])}
    parameters |= {"epochs": settings.epochs, "time_limit": settings.time_limit, "random_state": settings.seed}
    about = {
        "parameters": parameters,
        "data_hash": data_hash(dataset),
        "versions": {name: version for name, version in versions().items() if name in DECIDING},
        "machine": machine(given["device"]),
    }
    same: dict[str, Any] = json.loads(to_json(about))
    return same


def _require_same(folder: Path, then: Mapping[str, Any], now: Mapping[str, Any], *, trained: bool) -> None:
    other = "or name another folder by `checkpoint`."
    for name, value in now["parameters"].items():
        if (before := then["parameters"].get(name)) != value:
            raise UsageError(
                f"{folder} holds the checkpoint of a fit with {name}={before!r}, and this one has {name}={value!r}. "
                f"Give the same parameters to resume it, {other}"
            )
    if then["data_hash"] != now["data_hash"]:
        raise DataError(
            f"{folder} holds the checkpoint of a fit to other images or labels. Give the same X and y to resume it, "
            f"{other}"
        )
    if trained:
        return
    before, here = ({**about["versions"], "device": about["machine"]["device"]} for about in (then, now))
    for name, value in here.items():
        if before.get(name) != value:
            raise UsageError(
                f"{folder} holds the checkpoint of a fit with {name} {before.get(name)}, and here it is {value}, so it "
                f"cannot go on bit for bit. Resume it where it began, {other}"
            )
    if then["machine"]["processor"] != now["machine"]["processor"]:
        warnings.warn(
            f"The fit in {folder} began on another processor: its last digits may differ from those of a fit without "
            "a stop.",
            stacklevel=5,
        )


@contextmanager
def _stopping(stop: Stop) -> Iterator[None]:
    """Let the first Ctrl-C ask to stop after the current step, and the second one stop at once.

    Only in the main thread of a program that has no handler of its own; elsewhere Ctrl-C stops at once.
    """
    usable = threading.current_thread() is threading.main_thread()
    if not usable or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def ask(number: int, frame: object) -> None:
        if stop.requested or not stop.waits:
            raise KeyboardInterrupt
        stop.requested = True

    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _explained(keeper: _Keeper) -> Iterator[None]:
    """Say of an interrupt what is saved, and how to resume."""
    resume = "Call the same fit again to resume"
    try:
        yield
    except InterruptedRunError as error:
        raise InterruptedRunError(f"{error} {resume} from {keeper.run.path}.") from error
    except KeyboardInterrupt:
        if keeper.step is None:
            raise InterruptedRunError(
                "Stopped at once, before the first checkpoint. Call fit again to begin."
            ) from None
        text = f"Stopped at once; the state after step {keeper.step} is saved. {resume} from {keeper.run.path}."
        raise InterruptedRunError(text) from None
