"""Pictures and labels in: every form of data that Ilk reads ends as one `Dataset`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ilk.data.arrays import from_arrays
from ilk.data.dataset import UNLABELED, Dataset, Skipped, UnmatchedRow
from ilk.data.label_subset import hide_labels
from ilk.data.loader import load, splits
from ilk.data.thumbnails import picture_of

if TYPE_CHECKING:
    from ilk.data.augmentation import random_affine

__all__ = [
    "UNLABELED",
    "Dataset",
    "Skipped",
    "UnmatchedRow",
    "from_arrays",
    "hide_labels",
    "load",
    "picture_of",
    "random_affine",
    "splits",
]


def __getattr__(name: str) -> object:
    # Loaded with its first use: reading images needs no torch.
    if name == "random_affine":
        from ilk.data.augmentation import random_affine

        return random_affine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
