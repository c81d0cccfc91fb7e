"""A space in two dimensions: t-SNE of some landmarks; all other points are placed beside them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from ilk.errors import ShapeError, UsageError
from ilk.neighbors import NeighborIndex
from ilk.neighbors.index import check_points

Positions = Float[np.ndarray, "images 2"]
OnProgress = Callable[[int, int | None], None]

METHODS = ("auto", "tsne", "pca")
MOST_LANDMARKS = 3000
FEWEST_FOR_TSNE = 10
"""Fewer different points than this say nothing that t-SNE could use."""

PERPLEXITY = 30.0
PLACEMENT_PERPLEXITY = 10.0
"""The perplexity of a placed point: it goes to the few landmarks that are most like it."""

FIT_STEPS, PLACE_STEPS = (250, 500), 150
STEPS_PER_REPORT = 50  # steps between two reports of progress
POINTS_PER_PLACEMENT = 5000  # points placed at once
PRESERVATION_SAMPLE, PRESERVATION_NEIGHBORS = 1000, 15


@dataclass(frozen=True, eq=False)
class Map:
    """A space drawn in two dimensions; new points are placed on it and the old ones stay.

    Args:
        positions: shape (n, 2), one per point that it was made from; no unit.
        method: "plain" (the space is 2-D itself), "tsne" or "pca".
        landmarks: which of the n points the map was fitted to, ascending; the others were placed.
        preserved: share of the 15 nearest neighbors in the space that are among the 15 nearest on the map, 0 to 1.
        anchors: shape (landmarks, dim), their vectors (tsne), or the mean and two directions (pca), else empty.
        spots: shape (landmarks, 2), where they lie (tsne).
    """

    positions: Positions
    method: str
    landmarks: Int64[np.ndarray, "landmarks"]
    preserved: float
    anchors: Float[np.ndarray, "anchors dim"]
    spots: Float[np.ndarray, "spots 2"] = field(default_factory=lambda: np.empty((0, 2)))

    def place(self, points: np.ndarray, on_progress: OnProgress | None = None) -> Positions:
        """Where other points of the same space lie; nothing moves, and no point depends on those placed with it.

        Args:
            points: shape (n, dim), float32 or float64.
            on_progress: called with points placed and points in all.
        Returns:
            shape (n, 2), in the unit of `positions`.
        Raises:
            ShapeError: another dim, or a number that is not finite.
        """
        points = check_points(points, "The points", self.anchors.shape[1])
        if self.method == "plain":
            return points.astype(np.float64)
        if self.method == "pca":
            return _project(points, self.anchors)
        return _place_by_landmarks(points, self.anchors, self.spots, on_progress or _silent)

    def caption(self) -> str:
        """What the map may be trusted for, in two or three sentences for a page."""
        kept = (
            f"Of the {PRESERVATION_NEIGHBORS} nearest neighbors of an image in the space, {self.preserved:.0%} are "
            f"also among its {PRESERVATION_NEIGHBORS} nearest here."
        )
        if self.method == "plain":
            return "The space itself, which has two dimensions: distances are true."
        if self.method == "pca":
            return f"The two directions in which the space spreads most (PCA), seen from the front. {kept}"
        placed = len(self.positions) - len(self.landmarks)
        how = f" of {len(self.landmarks):,} images; {placed:,} others were placed beside them" if placed else ""
        return (
            f"A t-SNE projection{how}. {kept} Who is next to whom means something; sizes of groups, and how far apart "
            "they are, mean little."
        )


def fit_map(
    points: np.ndarray,
    labeled: np.ndarray,
    seed: int,
    method: str = "auto",
    on_progress: OnProgress | None = None,
) -> Map:
    """Draw a space in two dimensions; the same points and seed give the same map, whatever the number of threads.

    A space that has two dimensions is shown as it is. Else t-SNE runs on at most 3,000 landmarks, the labeled points
    (up to half of them) and evenly drawn others, and places each other point beside the landmarks that it is most like.
    60,000 points take about a minute.

    Args:
        points: shape (n, dim), n at least 1, float32 or float64, any scale.
        labeled: positions of the labeled points, or shape (n,) of bool.
        seed: of the draw of landmarks.
        method: "auto", "tsne" or "pca"; "auto" is t-SNE for ten different points or more, else PCA.
        on_progress: called with a count and its total, in points.
    Raises:
        UsageError: an unknown method.
        ShapeError: points of another shape or type, none, or one that is not finite.
    Source:
        van der Maaten & Hinton 2008; placing as in Poličar et al. 2024, by their openTSNE.
    """
    if method not in METHODS:
        raise UsageError(f"method must be one of {', '.join(METHODS)}, not {method!r}.")
    points = check_points(points, "The points")
    if len(points) == 0:
        raise ShapeError("A map needs at least one point, but was given none.")
    everyone = np.arange(len(points))
    if method == "auto" and points.shape[1] == 2:
        return Map(points.astype(np.float64), "plain", everyone, 1.0, points[:0])
    if method == "pca" or _has_few_points(points):
        directions = _principal_directions(points)
        positions = _project(points, directions)
        return Map(positions, "pca", everyone, neighbor_preservation(points, positions, seed=seed), directions)
    return _fit_tsne(points, np.arange(len(points))[labeled], seed, on_progress or _silent)


def neighbor_preservation(
    points: np.ndarray,
    positions: np.ndarray,
    *,
    k: int = PRESERVATION_NEIGHBORS,
    sample: int = PRESERVATION_SAMPLE,
    seed: int = 0,
) -> float:
    """The share of the k nearest neighbors in the space that are among the k nearest on the map, 0 to 1.

    Args:
        points: shape (n, dim), in the space.
        positions: shape (n, 2), on the map.
        k: how many neighbors.
        sample: how many points are asked, at most; they are drawn by `seed`.
        seed: of the draw.
    Returns:
        the mean share; 1 where there are not two points.
    """
    if len(points) < 2:
        return 1.0
    drawn = np.random.default_rng(seed).permutation(len(points))[:sample]
    _, there = NeighborIndex(points).search(points[drawn], k, exclude=drawn)
    _, here = NeighborIndex(positions).search(positions[drawn], k, exclude=drawn)
    both = (there[:, :, None] == here[:, None, :]).any(axis=2)
    return float(both.mean())


def choose_landmarks(n: int, labeled: np.ndarray, seed: int, most: int = MOST_LANDMARKS) -> Int64[np.ndarray, "chosen"]:
    """Which of n points a map is fitted to: all labeled ones, up to half of `most`, then others drawn evenly.

    Args:
        n: how many points there are.
        labeled: positions of the labeled ones.
        seed: of the draw.
        most: how many landmarks at most.
    Returns:
        positions, ascending, min(n, most) of them.
    """
    if n <= most:
        return np.arange(n)
    draws = np.random.default_rng(seed)
    known = draws.permutation(np.unique(labeled))[: most // 2]
    others = np.setdiff1d(np.arange(n), known)
    drawn = draws.choice(others, most - len(known), replace=False)
    return np.sort(np.concatenate([known, drawn])).astype(np.int64)


def _fit_tsne(points: np.ndarray, labeled: np.ndarray, seed: int, on_progress: OnProgress) -> Map:
    landmarks = choose_landmarks(len(points), labeled, seed)
    anchors = points[landmarks]
    total = sum(FIT_STEPS)
    rest = np.setdiff1d(np.arange(len(points)), landmarks)

    def fitted(steps: int) -> None:
        on_progress(steps * len(landmarks) // total, len(points))

    spots = _embed_landmarks(anchors, fitted)
    positions = np.empty((len(points), 2))
    positions[landmarks] = spots
    positions[rest] = _place_by_landmarks(
        points[rest], anchors, spots, lambda done, _: on_progress(len(landmarks) + done, len(points))
    )
    preserved = neighbor_preservation(points, positions, seed=seed)
    return Map(positions, "tsne", landmarks, preserved, anchors, spots)


def _embed_landmarks(anchors: np.ndarray, fitted: Callable[[int], None]) -> Positions:
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PrecomputedAffinities, joint_probabilities_nn

    perplexity = min(PERPLEXITY, (len(anchors) - 1) / 3)
    distances, neighbors = _neighbors(anchors, anchors, int(3 * perplexity), exclude_own=True)
    joint = joint_probabilities_nn(neighbors, distances, [perplexity], n_jobs=_cores())
    start = _project(anchors, _principal_directions(anchors))
    # A start this small is what t-SNE's first steps are made for.
    start *= 1e-4 / max(float(start[:, 0].std()), np.finfo(float).tiny)
    embedding = TSNEEmbedding(
        start, PrecomputedAffinities(joint, normalize=False), **_optimizer_settings(len(anchors)), learning_rate="auto"
    )
    done = 0
    for steps, settings in zip(FIT_STEPS, ({"exaggeration": 12, "momentum": 0.5}, {"momentum": 0.8}), strict=True):
        for _ in range(0, steps, STEPS_PER_REPORT):
            embedding = embedding.optimize(STEPS_PER_REPORT, inplace=True, **settings)
            done += STEPS_PER_REPORT
            fitted(done)
    spots = np.asarray(embedding, dtype=np.float64)
    return spots - spots.mean(axis=0)


def _place_by_landmarks(
    points: np.ndarray, anchors: np.ndarray, spots: np.ndarray, on_progress: OnProgress
) -> Positions:
    from openTSNE.affinity import PrecomputedAffinities, joint_probabilities_nn
    from openTSNE.tsne import PartialTSNEEmbedding, TSNEEmbedding
    from scipy.sparse import csr_matrix

    # The landmarks have come to rest, so nothing pulls between them any more.
    no_forces = PrecomputedAffinities(csr_matrix((len(anchors), len(anchors))), normalize=False)
    reference = TSNEEmbedding(spots, no_forces)
    perplexity = min(PLACEMENT_PERPLEXITY, (len(anchors) - 1) / 3)
    placed = np.empty((len(points), 2))
    for first in range(0, len(points), POINTS_PER_PLACEMENT):
        block = points[first : first + POINTS_PER_PLACEMENT]
        distances, neighbors = _neighbors(block, anchors, max(1, int(3 * perplexity)))
        pull = joint_probabilities_nn(
            neighbors,
            distances,
            [perplexity],
            symmetrize=False,
            normalization="point-wise",
            n_reference_samples=len(anchors),
            n_jobs=_cores(),
        )
        start = np.median(spots[neighbors], axis=1)
        partial = PartialTSNEEmbedding(start, reference, pull, **_optimizer_settings(len(block)), learning_rate=0.1)
        partial.optimize(PLACE_STEPS, inplace=True, exaggeration=1.5, momentum=0.8, max_grad_norm=0.25)
        placed[first : first + POINTS_PER_PLACEMENT] = partial
        on_progress(first + len(block), len(points))
    return placed


def _optimizer_settings(n: int) -> dict[str, Any]:
    # Barnes-Hut looks at one point at a time, so a point lands in the same place in any company and on any machine's
    # number of cores; the interpolation grid that is faster for very many points does not.
    return {"negative_gradient_method": "bh", "n_jobs": _cores() if n > 500 else 1}


def _neighbors(
    queries: np.ndarray, anchors: np.ndarray, k: int, exclude_own: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    exclude = np.arange(len(queries)) if exclude_own else None
    distances, neighbors = NeighborIndex(anchors).search(queries, k, exclude=exclude)
    # Only the ratios in a row matter; exp() of a large distance would be 0 everywhere.
    farthest = distances[:, -1:]
    return distances / np.where(farthest > 0, farthest, 1), neighbors


def _principal_directions(points: np.ndarray) -> np.ndarray:
    """The mean and the two directions of greatest spread, shape (3, dim); signs fixed by their largest part."""
    from threadpoolctl import threadpool_limits

    mean = points.mean(axis=0, dtype=np.float64)
    centered = points - mean
    with threadpool_limits(1, user_api="blas"):  # sums in another order would end in another map
        _, vectors = np.linalg.eigh(centered.T @ centered)
    directions = vectors.T[::-1][:2]
    largest = np.abs(directions).argmax(axis=1)
    directions = directions * np.sign(directions[np.arange(len(directions)), largest])[:, None]
    missing = np.zeros((2 - len(directions), points.shape[1]))  # a space of one dimension has no second one
    return np.concatenate([mean[None], directions, missing])


def _project(points: np.ndarray, directions: np.ndarray) -> Positions:
    return np.einsum("nd,kd->nk", points - directions[0], directions[1:])


def _has_few_points(points: np.ndarray) -> bool:
    """Whether there are too few different points for t-SNE; a sample of them usually tells."""
    samples = (points[: 100 * FEWEST_FOR_TSNE], points)
    return all(len(np.unique(sample, axis=0)) < FEWEST_FOR_TSNE for sample in samples)


def _cores() -> int:
    return os.cpu_count() or 1


def _silent(done: int, total: int | None) -> None:
    """The callback where none is given."""
