"""A few labels, spread over a graph of nearest neighbors: a class for every point, before any network was trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float32, Int64

from ilk.errors import ShapeError
from ilk.neighbors.index import NeighborIndex
from ilk.shapes import Targets, Vectors

if TYPE_CHECKING:
    from scipy import sparse

NEIGHBORS = 7
REACH = 0.99
"""Share of a point's class that comes from its neighbors, not from its own label; close to 1, labels reach far."""
ROUNDS = 60
FALL = 4.0
"""An edge to the farthest neighbor weighs exp(−4) of one to the point itself."""
HALVINGS = 2


@dataclass(frozen=True)
class Spread:
    """What the graph says about each of n points, and how far that was right for labels that it did not know.

    Args:
        classes: shape (n,), the likeliest class of each point; labeled ones keep their label.
        certain: shape (n,), True for the surest points of each class, as many as the labels bear out.
        hidden_error: share of labels, 0 to 1, that the others got wrong while they were hidden by halves.
    """

    classes: Targets
    certain: Bool[np.ndarray, "images"]
    hidden_error: float


def neighbor_graph(points: Vectors, neighbors: int = NEIGHBORS) -> sparse.csr_matrix:
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
    weights = np.exp(-FALL * (distances / farthest) ** 2).astype(np.float32)
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
        Zhou et al. 2004, "Learning with local and global consistency", eq. 3 of its algorithm, `ROUNDS` times.
    """
    if targets.shape != (graph.shape[0],):
        raise ShapeError(f"{graph.shape[0]} points need as many targets, not {targets.shape}.")
    labels = np.zeros((len(targets), classes), dtype=np.float32)
    labeled = np.flatnonzero(targets >= 0)
    labels[labeled, targets[labeled]] = 1
    shares = labels.copy()
    for _ in range(ROUNDS):
        shares = REACH * (graph @ shares) + (1 - REACH) * labels
    return shares / np.maximum(shares.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)


def spread_labels(
    points: Vectors, targets: Targets, classes: int, *, most: float = 0.9, allowed: float = 0.05, seed: int = 0
) -> Spread:
    """A class for each point, and which of them are certain, judged by labels that were hidden for it.

    Half of the labels are hidden at a time and answered by the other half. In the order of certainty, as many of these
    answers as keep the share of wrong ones at most `allowed` give the share of points that are called certain.

    Args:
        points: shape (n, dim), finite, any scale.
        targets: shape (n,), class numbers, −1 for unlabeled; each class has a label.
        classes: C.
        most: greatest share of each class's points that is called certain, 0 to 1.
        allowed: share of wrong answers among hidden labels, 0 to 1.
        seed: of the halves.
    Raises:
        ShapeError: points or targets of another shape or type.
    """
    graph = neighbor_graph(points)
    shares = class_shares(graph, targets, classes)
    answers = np.where(targets >= 0, targets, shares.argmax(axis=1))
    right, certainty = _hidden(graph, targets, classes, seed)
    order = np.argsort(-certainty, kind="stable")
    wrong = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    within = np.flatnonzero(wrong <= allowed)
    share = min(most, (within[-1] + 1) / len(order)) if len(within) else 0.0
    margins = _margins(shares)
    certain = _surest(answers, margins, share) & (margins > 0)
    return Spread(answers, certain | (targets >= 0), float(np.mean(~right)))


def _hidden(graph: sparse.csr_matrix, targets: Targets, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether each hidden label was guessed, and how surely; each label is hidden `HALVINGS` times."""
    draw, right, certainty = np.random.default_rng(seed), [], []
    labeled = np.flatnonzero(targets >= 0)
    for _ in range(HALVINGS):
        # Halves of every class, as equal as can be: a class without any label could not be guessed.
        shuffled = draw.permutation(labeled)
        ranks = _ranks(targets[shuffled])
        for half in (0, 1):
            hidden = shuffled[ranks % 2 == half]
            known = targets.copy()
            known[hidden] = -1
            shares = class_shares(graph, known, classes)[hidden]
            certainty.append(_margins(shares))
            right.append((shares.argmax(axis=1) == targets[hidden]) & (certainty[-1] > 0))
    return np.concatenate(right), np.concatenate(certainty)


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
