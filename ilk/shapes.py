"""The words that the other modules share: one name for each kind of array, with its axes.

The tests check these shapes at run time (jaxtyping with beartype); outside the tests they cost nothing.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

EVIDENCE = 3
"""So many of the nearest labeled images stand beside an answer, in tables and on pages."""

Pixels = UInt8[np.ndarray, "images channels height width"]
"""Images as they lie in memory, 0 to 255; channels is 1 (gray) or 3 (RGB)."""

Targets = Int64[np.ndarray, "images"]
"""The class number of each image, 0 to C − 1, or −1 where it has no label."""

Vectors = Float[np.ndarray, "images dim"]
"""Embeddings outside training: one row per image."""

Images = Float[Tensor, "batch channels height width"]
"""Images as a network sees them, (pixel − 128) / 128."""

Labels = Int64[Tensor, "batch"]
"""The class number of each query."""

Embeddings = Float[Tensor, "batch dim"]
"""Points f(x), one row per image; no unit, any scale."""

References = Float[Tensor, "sets classes dim"]
"""K sets of embedded references, one labeled image of every class in each."""

Distances = Float[Tensor, "rows columns"]
"""d(a, b) for every pair of two sets of points."""

LogProbabilities = Float[Tensor, "batch sets classes"]
"""log P(c | x; z) of each image against each of K reference sets, in nats."""

TargetProbabilities = Float[Tensor, "batch classes"]
"""A distribution over the classes for each query, rows sum to 1."""

ClassTargets = Float[Tensor, "classes classes"]
"""Row c is the distribution that stands in for the one-hot target of class c."""

Groups = Int64[Tensor, "classes"]
"""A group number from 0 for each class."""

Mask = Bool[Tensor, "batch sets"]
"""True where a pair of query and reference set counts."""
