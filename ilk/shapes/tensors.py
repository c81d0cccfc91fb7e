"""The kinds of tensor, each with its axes; importing them imports torch."""

from __future__ import annotations

from jaxtyping import Bool, Float, Int64
from torch import Tensor

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
