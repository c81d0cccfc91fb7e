"""The exact nearest neighbors of points, by FAISS, with every answer checked against float32's rounding."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from ilk.errors import ShapeError, UsageError

QueryDistances = Float[np.ndarray, "queries k"]
QueryNeighbors = Int64[np.ndarray, "queries k"]

SPARE_CANDIDATES = 3  # candidates beyond k; they show whether the order near the k-th place is certain
BLOCK = 1 << 22  # float64 numbers held at once: 32 MB


def check_points(points: np.ndarray, what: str, dim: int | None = None) -> np.ndarray:
    """Points as they came, refused unless they are finite floats of shape (n, dim).

    Raises:
        ShapeError: another type or shape, another dim than `dim`, or a number that is not finite.
    """
    if not isinstance(points, np.ndarray) or points.dtype not in (np.float32, np.float64):
        given = getattr(points, "dtype", type(points).__name__)
        raise ShapeError(f"{what} must be a NumPy array of float32 or float64, not {given}.")
    wanted = "(n, dim)" if dim is None else f"(n, {dim})"
    if points.ndim != 2 or points.shape[1] == 0 or (dim is not None and points.shape[1] != dim):
        raise ShapeError(f"{what} must have the shape {wanted}, not {points.shape}.")
    finite = np.isfinite(points).all(axis=1)
    if not finite.all():
        raise ShapeError(f"{what} must be finite, but row {int(finite.argmin())} is not.")
    return points


class NeighborIndex:
    """The points nearest to a query by Euclidean distance, exact; 0 where they coincide.

    FAISS proposes a few candidates more than k; their distances are then taken by subtraction in float64. Where
    its float32 rounding could have hidden a nearer point, the query is searched again in float64. The full matrix of
    distances is never in memory. Without FAISS every query is searched in float64: the same answer, later.

    Args:
        points: shape (n, dim), n at least 1, float32 or float64, any scale; copied.
    Raises:
        ShapeError: another shape or type, no point, or a number that is not finite.
    Example:
        >>> import numpy as np
        >>> index = NeighborIndex(np.array([[0.0], [3.0], [4.0]]))
        >>> distances, positions = index.search(np.array([[3.2]]), k=2)
        >>> positions.tolist()
        [[1, 2]]
    """

    def __init__(self, points: np.ndarray) -> None:
        self._points = check_points(points, "The points").copy(order="C")
        if len(points) == 0:
            raise ShapeError("An index needs at least one point, but was given none.")
        self._center = points.mean(axis=0, dtype=np.float64).astype(points.dtype)
        centered = self._centered(self._points)
        self._reach = float(_lengths(centered).max())
        self._engine: Any = None
        with suppress(ModuleNotFoundError):
            import faiss

            self._engine = faiss.IndexFlatL2(points.shape[1])
            self._engine.add(centered)

    def __len__(self) -> int:
        return len(self._points)

    def search(
        self, queries: np.ndarray, k: int, exclude: np.ndarray | None = None
    ) -> tuple[QueryDistances, QueryNeighbors]:
        """The k nearest points of each query, nearest first; of equally near ones the lower position comes first.

        Args:
            queries: shape (queries, dim), float32 or float64.
            k: how many, at least 1; at most the n points count (n − 1 with `exclude`), so fewer columns may return.
            exclude: shape (queries,), the position that each query must not return: itself, for leave-one-out.
        Returns:
            Euclidean distances, float64, and positions among the points, int64; both of shape (queries, k).
        Raises:
            ShapeError: queries of another dim or not finite, or positions in `exclude` that do not exist.
            UsageError: k below 1.
        """
        check_points(queries, "The queries", dim=self._points.shape[1])
        if k < 1:
            raise UsageError(f"k must be at least 1, not {k}.")
        excluded = None if exclude is None else self._checked(exclude, len(queries))
        k = min(k, len(self) - (excluded is not None))
        if k == 0 or len(queries) == 0:
            return np.empty((len(queries), k)), np.empty((len(queries), k), dtype=np.int64)
        if self._engine is None:
            squared, positions = self._search_in_float64(queries, k, excluded)
            return np.sqrt(squared), positions
        squared, positions, certain = self._propose(queries, k, excluded)
        unsure = np.flatnonzero(~certain)
        if len(unsure):
            left_out = None if excluded is None else excluded[unsure]
            squared[unsure], positions[unsure] = self._search_in_float64(queries[unsure], k, left_out)
        return np.sqrt(squared), positions

    def _checked(self, exclude: np.ndarray, queries: int) -> np.ndarray:
        if exclude.shape != (queries,) or not np.issubdtype(exclude.dtype, np.integer):
            raise ShapeError(f"exclude must hold one integer per query, shape ({queries},), not {exclude.shape}.")
        if queries and not 0 <= exclude.min() <= exclude.max() < len(self):
            raise ShapeError(f"exclude must hold positions from 0 to {len(self) - 1}.")
        return exclude.astype(np.int64)

    def _centered(self, points: np.ndarray) -> np.ndarray:
        # Near the origin FAISS's ‖a‖² − 2ab + ‖b‖² keeps its digits; what overflows here is searched in float64.
        with np.errstate(over="ignore"):
            return np.ascontiguousarray((points - self._center).astype(np.float32, copy=False))

    def _propose(self, queries: np.ndarray, k: int, exclude: np.ndarray | None) -> tuple[np.ndarray, ...]:
        """Squared distances and positions of the k nearest by FAISS, and for which queries they are certainly right."""
        width = k + SPARE_CANDIDATES + (exclude is not None)
        if width >= len(self):
            candidates = np.broadcast_to(np.arange(len(self)), (len(queries), len(self)))
            squared, positions = self._nearest(queries, candidates, k, exclude)
            return squared, positions, np.ones(len(queries), dtype=bool)
        centered = self._centered(queries)
        proposed, candidates = self._engine.search(centered, width)
        squared, positions = self._nearest(queries, candidates, k, exclude)
        # The worst rounding of a float32 sum of dim products; every point left out is farther than last − slack.
        with np.errstate(over="ignore", invalid="ignore"):
            slack = _rounding(np.float32, centered.shape[1]) * (_lengths(centered) + self._reach) ** 2
            certain = (candidates >= 0).all(axis=1) & (squared[:, -1] < proposed[:, -1] - slack)
        return squared, positions, certain

    def _nearest(
        self, queries: np.ndarray, candidates: np.ndarray, k: int, exclude: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest of each query's candidates, by subtraction in float64."""
        squared = np.empty((len(queries), k))
        positions = np.empty((len(queries), k), dtype=np.int64)
        step = max(1, BLOCK // (8 * candidates.shape[1] * queries.shape[1]))
        for start in range(0, len(queries), step):
            rows = slice(start, start + step)
            chosen = candidates[rows]
            difference = np.subtract(self._points[chosen], queries[rows, None], dtype=np.float64)
            exact = np.einsum("qcd,qcd->qc", difference, difference)
            if exclude is not None:
                exact[chosen == exclude[rows, None]] = np.inf
            order = np.lexsort((chosen, exact))[:, :k]
            squared[rows] = np.take_along_axis(exact, order, axis=1)
            positions[rows] = np.take_along_axis(chosen, order, axis=1)
        return squared, positions

    def _search_in_float64(
        self, queries: np.ndarray, k: int, exclude: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same answer as by FAISS and `_nearest`, for queries whose neighbors float32 cannot tell apart."""
        squared = np.empty((len(queries), k))
        positions = np.empty((len(queries), k), dtype=np.int64)
        points = self._points.astype(np.float64) - self._center
        sizes = np.einsum("nd,nd->n", points, points)
        step = max(1, BLOCK // len(points))
        for start in range(0, len(queries), step):
            rows = slice(start, start + step)
            block = queries[rows].astype(np.float64) - self._center
            lengths = _lengths(block)
            rough = sizes - 2 * block @ points.T + (lengths**2)[:, None]
            if exclude is not None:
                rough[np.arange(len(block)), exclude[rows]] = np.inf
            slack = _rounding(np.float64, points.shape[1]) * (lengths + np.sqrt(sizes.max())) ** 2
            too_far = rough > (np.partition(rough, k - 1, axis=1)[:, k - 1] + 2 * slack)[:, None]
            for row, far in enumerate(too_far, start=start):
                query = slice(row, row + 1)
                left_out = None if exclude is None else exclude[query]
                found = self._nearest(queries[query], np.flatnonzero(~far)[None], k, left_out)
                squared[query], positions[query] = found
        return squared, positions


def _lengths(points: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.sqrt(np.einsum("nd,nd->n", points, points, dtype=np.float64))


def _rounding(dtype: type[np.floating], dim: int) -> float:
    return float((dim + 8) * np.finfo(dtype).eps / 2)
