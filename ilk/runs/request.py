"""The options of a run, as given. No torch here: a run can be resumed from before the moment torch is imported."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ilk.errors import ModelError, UsageError
from ilk.runs.events import Events
from ilk.runs.intervals import CHECKPOINT_EVERY, parsed_interval

if TYPE_CHECKING:
    from ilk.data import Dataset

DEFAULT = "default"
"""The recipe that is no published one."""
HIGHEST_RATE = 1000
MAX_PIXELS = 100_000_000
"""Images with more pixels are skipped, unless told otherwise."""
TRAINING = ("epochs", "time_limit", "learning_rate", "augment", "seed")
"""Fields that are settings of the training; config.json keeps them with all others of these."""


@dataclass(frozen=True)
class Request:
    """The data, the network and the settings of a run; None leaves a choice to the recipe, the start or the network.

    Args:
        data, labels, start: paths of the images, of a labels file, and of the run or file to begin from; made absolute.
        epochs, time_limit: passes over the images, or seconds; exactly one, but for a recipe with its own length.
        learning_rate, augment, seed: as in `ilk.training.Settings`.
        files: pattern of the files to use.
        size: pixels, a side or (height, width).
        max_pixels: images with more are skipped.
        labels_per_class, subset: labels kept per class in an experiment, and which random subset of them.
        network, dim, strided: a name of `ilk.networks.NETWORKS` or "auto", its dimensions, convolutions for its pools.
        channels: 1 (gray) or 3 (RGB).
        start_sha256: of the weights at `start`, once they have been read.
        freeze_to: the last of the layers that stay as they are.
        keep_epochs: after which the weights are kept for `ilk explain RUN --evolution`.
        recipe: "default", or a published one, which sets the network and the training.
        groups: the group of each class, where some are known to overlap.
        checkpoint_every: seconds (60s, 10m) or steps (500) between two checkpoints.
        device: "auto", "cpu", "cuda" or "cuda:N".
    Raises:
        UsageError: a value out of its range.
    """

    data: str
    epochs: int | float | None = None
    time_limit: int | float | None = None
    learning_rate: int | float | None = None
    augment: str | None = None
    seed: int = 0
    labels: str | None = None
    files: str | None = None
    size: int | tuple[int, int] | None = None
    max_pixels: int = MAX_PIXELS
    labels_per_class: int | None = None
    subset: int = 0
    network: str = "auto"
    device: str = "auto"
    dim: int | None = None
    strided: bool = False
    channels: int | None = None
    start: str | None = None
    start_sha256: str | None = None
    freeze_to: str | None = None
    keep_epochs: tuple[float, ...] = ()
    recipe: str = DEFAULT
    groups: dict[str, str] | None = None
    checkpoint_every: str = CHECKPOINT_EVERY

    def __post_init__(self) -> None:
        for name in ("data", "labels", "start"):  # so that a resumed run finds them from another folder
            if (path := getattr(self, name)) is not None:
                object.__setattr__(self, name, os.path.abspath(path))
        for name in ("epochs", "time_limit", "learning_rate"):
            if (number := getattr(self, name)) is not None:
                object.__setattr__(self, name, float(number))
        if self.epochs is not None and not math.isfinite(self.epochs):  # JSON has no such number
            raise UsageError(f"`epochs` must be above 0, not {self.epochs}.")
        if self.learning_rate is not None and not 0 < self.learning_rate <= HIGHEST_RATE:
            raise UsageError(f"`learning_rate` must be above 0 and at most {HIGHEST_RATE}, not {self.learning_rate}.")
        if self.labels_per_class is not None and self.labels_per_class < 1:
            raise UsageError(f"`labels_per_class` must be 1 or more, not {self.labels_per_class}.")
        if self.subset < 0:
            raise UsageError(f"`subset` {self.subset} is no subset. Allowed: 0 or more.")
        _require_interval(self.checkpoint_every)

    def as_config(self) -> dict[str, Any]:
        """As JSON can hold it; `request_of` reads it back."""
        fields = asdict(self)
        return fields | {"settings": {name: fields.pop(name) for name in TRAINING}}

    def load(self, events: Events) -> Dataset:
        """The training images in memory, with labels hidden where the request says so."""
        from ilk.data import hide_labels, load

        with events.progress("Reading") as update:
            dataset = load(
                self.data,
                split="train",
                labels=None if self.labels is None else Path(self.labels),
                files=self.files,
                size=self.size,
                channels=self.channels,
                max_pixels=self.max_pixels,
                on_progress=update,
            )
        if self.labels_per_class is not None:
            dataset.require_trainable()
            dataset = hide_labels(dataset, per_class=self.labels_per_class, subset=self.subset)
        return dataset


def request_of(config: dict[str, Any]) -> Request:
    """The request that a config.json holds.

    Raises:
        ModelError: fields are missing or unknown.
    """
    try:
        fields = dict(config["request"])
        settings = dict(fields.pop("settings"))
        fields.pop("method", None)  # of the resolved plan
        for name in ("size", "keep_epochs"):  # JSON has lists only
            if isinstance(fields.get(name), list):
                fields[name] = tuple(fields[name])
        return Request(**fields, **{name: settings[name] for name in TRAINING})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"config.json does not describe a run of this version of Ilk: {error}.") from error


def name_of(data: str) -> str:
    """What a result is called after its data: a folder's name, a file's without its suffix."""
    path = Path(data).resolve()
    return (path.name if path.is_dir() else path.stem) or "data"


def _require_interval(text: str) -> None:
    try:
        parsed_interval(text)
    except ValueError:
        raise UsageError(
            f"`checkpoint_every` {text!r} is no interval. Write for instance 60s or 10m, or 500 for steps."
        ) from None
