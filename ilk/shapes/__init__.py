"""The words that the other modules share: one name for each kind of array and tensor, with its axes.

The tests check these shapes at run time (jaxtyping with beartype); outside the tests they cost nothing. Arrays are
NumPy's; the kinds of tensor stand in `ilk.shapes.tensors`, and are loaded with the first name of theirs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int64, UInt8

if TYPE_CHECKING:
    from ilk.shapes.tensors import (
        ClassTargets,
        Distances,
        Embeddings,
        Groups,
        Images,
        Labels,
        LogProbabilities,
        Mask,
        References,
        TargetProbabilities,
    )

__all__ = [
    "EVIDENCE",
    "ClassTargets",
    "Distances",
    "Embeddings",
    "Groups",
    "Images",
    "Labels",
    "LogProbabilities",
    "Mask",
    "Pixels",
    "References",
    "TargetProbabilities",
    "Targets",
    "Vectors",
]

EVIDENCE = 3
"""So many of the nearest labeled images stand beside an answer, in tables and on pages."""

Pixels = UInt8[np.ndarray, "images channels height width"]
"""Images as they lie in memory, 0 to 255; channels is 1 (gray) or 3 (RGB)."""

Targets = Int64[np.ndarray, "images"]
"""The class number of each image, 0 to C − 1, or −1 where it has no label."""

Vectors = Float[np.ndarray, "images dim"]
"""Embeddings outside training: one row per image."""


def __getattr__(name: str) -> object:
    # `ilk check` handles no tensor, so it must not wait for torch.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("ilk.shapes.tensors"), name)
