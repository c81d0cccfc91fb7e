"""Pictures and labels in: every form of data that Ilk reads ends as one `Dataset`."""

from __future__ import annotations

from ilk.data.arrays import from_arrays
from ilk.data.augmentation import random_affine
from ilk.data.dataset import UNLABELED, Dataset, Skipped
from ilk.data.hiding import hide_labels
from ilk.data.opening import load, splits

__all__ = ["UNLABELED", "Dataset", "Skipped", "from_arrays", "hide_labels", "load", "random_affine", "splits"]
