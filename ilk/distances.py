"""How far apart: every pair of two sets of points."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from ilk.errors import ShapeError, UsageError
from ilk.shapes import Distances

Distance = Literal["squared", "euclidean"]
DISTANCES: tuple[Distance, ...] = ("squared", "euclidean")


def pairwise(
    rows: Float[Tensor, "rows dim"], columns: Float[Tensor, "columns dim"], kind: Distance = "squared"
) -> Distances:
    """The distance of every row to every column; 0 where two points coincide, without bound above.

    Differences are formed point by point, never as ‖a‖² − 2ab + ‖b‖², so nothing is lost far from the origin. Gradients
    flow to both sides and are 0, not NaN, where two points coincide. Memory: one number per pair.

    Args:
        rows: shape (rows, dim), any scale.
        columns: shape (columns, dim).
        kind: "squared" for ‖a − b‖² (the paper's text) or "euclidean" for ‖a − b‖ (its released code).
    Returns:
        shape (rows, columns), in the unit of the embedding, its square for "squared".
    Raises:
        ShapeError: the two sets are not matrices of the same width.
        UsageError: an unknown kind.
    Example:
        >>> pairwise(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 0.0]]), "euclidean")
        tensor([[5., 0.]])
    """
    if rows.ndim != 2 or columns.ndim != 2 or rows.shape[1] != columns.shape[1]:
        raise ShapeError(
            f"pairwise() needs (rows, dim) and (columns, dim), not {tuple(rows.shape)} and {tuple(columns.shape)}."
        )
    if kind not in DISTANCES:
        raise UsageError(f"There is no distance {kind!r}: 'squared' or 'euclidean'.")
    lengths = torch.cdist(rows, columns, compute_mode="donot_use_mm_for_euclid_dist")
    return lengths.square() if kind == "squared" else lengths
