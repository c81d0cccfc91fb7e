"""What a run was asked to do: everything that decides its result, kept in its config.json."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ilk.data import Dataset, hide_labels, load
from ilk.data.fingerprints import contiguous_blocks
from ilk.errors import ModelError
from ilk.methods import MethodSettings, NeighborSettings, method_settings, named_options
from ilk.runs.events import Events
from ilk.runs.intervals import CHECKPOINT_EVERY, parsed_interval
from ilk.training import Settings


@dataclass(frozen=True)
class Request:
    """The data, the network and the settings of a run.

    Args:
        data: absolute path of what the images are read from.
        settings: of the training.
        method: settings of the method.
        labels: absolute path of a labels file, or None.
        files: pattern of the files to use, or None.
        size: pixels, a side or (height, width); None for what suits the data.
        max_pixels: images with more are skipped.
        labels_per_class: labels kept per class in an experiment; None keeps all.
        subset: which of the random subsets of labels.
        network: a name of `ilk.networks.NETWORKS`, or "auto" until it is settled.
        device: as asked for.
        dim: dimensions of the embedding; None for the network's own.
        strided: strided convolutions in place of the network's pools.
        channels: 1 (gray) or 3 (RGB); None for what suits the data.
        start: absolute path of the run or file whose weights it begins with, or None.
        start_sha256: of the file that holds these weights.
        freeze_to: the last of the layers that stay as they are, or None.
        keep_epochs: after which the weights are kept for `ilk explain RUN --evolution`.
        recipe: "default", or the name of a published one, which has set network and settings.
        groups: the group of each class, where some are known to overlap; None for no such knowledge.
        checkpoint_every: seconds (60s, 10m) or steps (500) between two checkpoints.
    """

    data: str
    settings: Settings
    method: MethodSettings = field(default_factory=NeighborSettings)
    labels: str | None = None
    files: str | None = None
    size: int | tuple[int, int] | None = None
    max_pixels: int = 100_000_000
    labels_per_class: int | None = None
    subset: int = 0
    network: str = "neighbor-mnist"
    device: str = "auto"
    dim: int | None = None
    strided: bool = False
    channels: int | None = None
    start: str | None = None
    start_sha256: str | None = None
    freeze_to: str | None = None
    keep_epochs: tuple[float, ...] = ()
    recipe: str = "default"
    groups: dict[str, str] | None = None
    checkpoint_every: str = CHECKPOINT_EVERY

    def as_config(self) -> dict[str, Any]:
        """As JSON can hold it; `request_of` reads it back."""
        return asdict(self) | {"method": named_options(self.method)}

    def load(self, events: Events) -> Dataset:
        """The training images in memory, with labels hidden where the request says so."""
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
        for name in ("size", "keep_epochs"):  # JSON has lists only
            if isinstance(fields.get(name), list):
                fields[name] = tuple(fields[name])
        settings, method = Settings(**fields["settings"]), method_settings(fields["method"])
        request = Request(**fields | {"settings": settings, "method": method})
        parsed_interval(request.checkpoint_every)
        return request
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"config.json does not describe a run of this version of Ilk: {error}.") from error


def data_hash(dataset: Dataset) -> str:
    """A fingerprint of everything that training sees: pixels, names, labels, classes."""
    digest = hashlib.sha256()
    words = "\0".join((*dataset.names, "", *dataset.classes)).encode("utf-8", "backslashreplace")
    for part in (words, dataset.targets.data):
        digest.update(part)
    for block in contiguous_blocks(dataset.images):
        digest.update(block.data)
    return digest.hexdigest()


def absolute(path: object) -> str | None:
    """A path as a resumed run finds it again from another folder."""
    return None if path is None else os.path.abspath(str(path))
