"""Label propagation over a graph of nearest neighbors: a pseudo-label for every point, before any training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float32, Int64

from ilk.errors import ShapeError, UsageError
from ilk.neighbors.index import NeighborIndex, check_points
from ilk.shapes import Targets, Vectors

if TYPE_CHECKING:
    from scipy import sparse

GRAPH_NEIGHBORS = 7
PROPAGATED_SHARE = 0.99
"""The α of Zhou et al.: share of a point's class that comes from its neighbors; close to 1, labels reach far."""
PROPAGATION_ROUNDS = 60
EDGE_DECAY = 4.0
"""An edge to the farthest neighbor weighs exp(−4) of one to the point itself."""
LABEL_HALVINGS = 5
"""How often the labels are split into random halves, each answered by the other, so that no one split decides."""
CHANCE_LEVEL = 1e-4
"""As many right answers must have at most this probability under naming the most frequent class."""


@dataclass(frozen=True)
class Spread:
    """Pseudo-labels of n points by label propagation, and its error on held-out labels.

    Args:
        classes: shape (n,), the likeliest class of each point; labeled ones keep their label.
        certain: shape (n,), True for labeled points and the surest of each class, as many as held-out labels justify.
        hidden_error: share of the held-out labels that were answered wrongly, 0 to 1; NaN where no class has two labels
            and none could be held out.
    """

    classes: Targets
    certain: Bool[np.ndarray, "images"]
    hidden_error: float


def neighbor_graph(points: Vectors, neighbors: int = GRAPH_NEIGHBORS) -> sparse.csr_matrix:
    """Each point joined to its nearest ones, near ones more strongly; symmetric, and normalized by both ends' degrees.

    Args:
        points: shape (n, dim), n at least 2; the scale does not matter, since each point's own reach is its unit.
        neighbors: edges from each point.
    Returns:
        shape (n, n), sparse, entries from 0 to 1, greatest eigenvalue 1.
    """
    from scipy import sparse

    count = len(points)
    distances, found = NeighborIndex(points).search(points, min(neighbors, count - 1), exclude=np.arange(count))
    farthest = np.maximum(distances[:, -1:], np.finfo(np.float32).tiny)
    weights = np.exp(-EDGE_DECAY * (distances / farthest) ** 2).astype(np.float32)
    rows = np.repeat(np.arange(count), found.shape[1])
    graph = sparse.csr_matrix((weights.ravel(), (rows, found.ravel())), shape=(count, count))
    graph = (graph + graph.T) / 2
    scale = sparse.diags(np.asarray(graph.sum(axis=1)).ravel() ** -0.5)
    return (scale @ graph @ scale).tocsr().astype(np.float32)


def class_shares(graph: sparse.csr_matrix, targets: Targets, classes: int) -> Float32[np.ndarray, "images classes"]:
    """The share of each class in what reaches a point from the labels, rows sum to 1; 0 where no label reaches.

    Args:
        graph: from `neighbor_graph()`.
        targets: shape (n,), class numbers, −1 for unlabeled.
        classes: C.
    Raises:
        ShapeError: another number of targets than points.
    Source:
        Zhou et al. 2004, "Learning with local and global consistency", step 3 of its algorithm, PROPAGATION_ROUNDS
        times.
    """
    if targets.shape != (graph.shape[0],):
        raise ShapeError(f"{graph.shape[0]} points need as many targets, not {targets.shape}.")
    labels = np.zeros((len(targets), classes), dtype=np.float32)
    labeled = np.flatnonzero(targets >= 0)
    labels[labeled, targets[labeled]] = 1
    shares = labels.copy()
    for _ in range(PROPAGATION_ROUNDS):
        shares = PROPAGATED_SHARE * (graph @ shares) + (1 - PROPAGATED_SHARE) * labels
    return shares / np.maximum(shares.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)


def spread_labels(
    points: Vectors, targets: Targets, classes: int, *, most: float = 0.9, allowed: float = 0.05, seed: int = 0
) -> Spread:
    """A pseudo-label for each point by label propagation, and which are certain, judged by held-out labels.

    Half of the labels are held out at a time and answered by the other half. Sorted by certainty, the largest part of
    these answers with at most `allowed` wrong ones, every class with equal weight, gives the share of points that are
    certain; it is 0 where naming the most frequent class could do as well.

    Args:
        points: shape (n, dim), finite, any scale.
        targets: shape (n,), class numbers, −1 for unlabeled; each class has a label.
        classes: C, at least 2.
        most: greatest share of each class's points that is called certain, 0 to 1.
        allowed: share of wrong answers among held-out labels, 0 to 1.
        seed: of the random halves.
    Raises:
        ShapeError: points or targets of another shape or type.
        UsageError: a class without a label, fewer than two classes or points, or a share out of its range.
    """
    _check(points, targets, classes, most, allowed)
    # Equal points are one: among very many of them, no nearest ones could be told.
    distinct, place = np.unique(points, axis=0, return_inverse=True)
    place = place.reshape(-1)
    known = np.full(len(distinct), -1, dtype=np.int64)
    known[place[targets >= 0]] = targets[targets >= 0]
    counts = np.bincount(known[known >= 0], minlength=classes)
    if len(distinct) < 2 or counts.max() < 2:
        return Spread(np.where(targets >= 0, targets, 0), targets >= 0, math.nan)
    graph = neighbor_graph(distinct)
    shares = class_shares(graph, known, classes)
    answers, margins = shares.argmax(axis=1), _margins(shares)
    truth, given, certainty = _held_out_answers(graph, known, classes, seed)
    certain = _surest(answers, margins, min(most, _reliable_share(truth, given, certainty, allowed)))
    certain &= (margins > 0) & (counts[answers] > 1)  # answers with a class that was never judged are not certain
    labeled = targets >= 0
    return Spread(np.where(labeled, targets, answers[place]), certain[place] | labeled, float(np.mean(truth != given)))


def _check(points: np.ndarray, targets: np.ndarray, classes: int, most: float, allowed: float) -> None:
    check_points(points, "The points")
    shape = getattr(targets, "shape", None)
    if shape != (len(points),) or targets.dtype != np.int64:
        raise ShapeError(f"{len(points)} points need as many int64 targets, not {type(targets).__name__} of {shape}.")
    for name, share in (("most", most), ("allowed", allowed)):
        if not 0 <= share <= 1:
            raise UsageError(f"{name} must lie between 0 and 1, not {share}.")
    labels = targets[targets >= 0]
    if len(points) < 2 or classes < 2 or (np.bincount(labels, minlength=classes) == 0).any() or labels.max() >= classes:
        raise UsageError(
            f"Spreading labels needs 2 points or more and a label for each of 2 classes or more, not {len(points)} "
            f"points and labels of {len(np.unique(labels))} of {classes} classes."
        )


def _held_out_answers(
    graph: sparse.csr_matrix, targets: Targets, classes: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Held-out labels, the answers to them (−1 where no label reached), and their margins; LABEL_HALVINGS times.

    Each class is halved by itself, because a class without a label cannot be an answer; for the same reason the only
    label of a class is never held out.
    """
    several = np.bincount(targets[targets >= 0], minlength=classes) > 1
    labeled = np.flatnonzero(targets >= 0)
    draw, truth, given, certainty = np.random.default_rng(seed), [], [], []
    for _ in range(LABEL_HALVINGS):
        shuffled = draw.permutation(labeled[several[targets[labeled]]])
        ranks = _ranks(targets[shuffled])
        for half in (0, 1):
            hidden = shuffled[ranks % 2 == half]
            known = targets.copy()
            known[hidden] = -1
            shares = class_shares(graph, known, classes)[hidden]
            certainty.append(_margins(shares))
            given.append(np.where(certainty[-1] > 0, shares.argmax(axis=1), -1))
            truth.append(targets[hidden])
    return np.concatenate(truth), np.concatenate(given), np.concatenate(certainty)


def _reliable_share(truth: np.ndarray, given: np.ndarray, certainty: np.ndarray, allowed: float) -> float:
    """The largest share of answers, the surest first, with few enough wrong ones and more right ones than by chance."""
    from scipy.stats import binom

    order = np.argsort(-certainty, kind="stable")
    truth, right = truth[order], (truth == given)[order]
    sizes = np.bincount(truth)
    weights = 1 / sizes[truth]
    wrong = np.cumsum(weights * ~right) / np.cumsum(weights)
    counts = np.arange(1, len(right) + 1)
    # A label that was held out several times is evidence once.
    by_chance = binom.sf(np.cumsum(right) // LABEL_HALVINGS - 1, counts // LABEL_HALVINGS, sizes.max() / len(truth))
    within = np.flatnonzero((wrong <= allowed) & (by_chance <= CHANCE_LEVEL))
    return float(counts[within[-1]] / len(right)) if len(within) else 0.0


def _ranks(labels: Int64[np.ndarray, "labels"]) -> Int64[np.ndarray, "labels"]:
    """How many of the same class stand before each."""
    order = np.argsort(labels, kind="stable")
    first = np.searchsorted(labels[order], labels[order])
    ranks = np.empty(len(labels), dtype=np.int64)
    ranks[order] = np.arange(len(labels)) - first
    return ranks


def _margins(shares: np.ndarray) -> np.ndarray:
    """How far the greatest share lies above the next."""
    top = np.partition(shares, -2, axis=1)[:, -2:]
    return top[:, 1] - top[:, 0]


def _surest(answers: np.ndarray, margins: np.ndarray, share: float) -> np.ndarray:
    """True for this share of each class's points, those with the greatest margins."""
    order = np.lexsort((-margins, answers))
    ranks, sizes = np.empty(len(answers), dtype=np.int64), np.bincount(answers)
    ranks[order] = _ranks(answers[order])
    return ranks < np.floor(share * sizes)[answers]
