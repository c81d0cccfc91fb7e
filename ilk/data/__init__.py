"""Pictures and labels in: every form of data that Ilk reads ends as one `Dataset`."""

from __future__ import annotations

from ilk.data.arrays import from_arrays
from ilk.data.augmentation import random_affine
from ilk.data.dataset import UNLABELED, Dataset, Skipped, UnmatchedRow
from ilk.data.label_subset import hide_labels
from ilk.data.loader import load, splits
from ilk.data.thumbnails import picture_of

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
