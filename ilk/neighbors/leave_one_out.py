"""Each labeled image answered by the other labeled ones, as the classifier would answer a new image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from ilk.errors import UsageError
from ilk.neighbors.classifier import LARGEST_SAMPLE, NeighborClassifier, vote
from ilk.neighbors.index import NeighborIndex


@dataclass(frozen=True)
class HeldOut:
    """What the other labeled images say about n labeled ones, one row each.

    Args:
        positions: shape (n,), which labeled images were answered, ascending.
        label: shape (n,), the class numbers that the others gave them.
        confidence: shape (n,), the probability of that class, 0 to 1.
        neighbors: shape (n, m), positions of the nearest others among the labeled images, nearest first.
        distances: shape (n, m), Euclidean distances to them, in the unit of the embedding.
    """

    positions: Int64[np.ndarray, "n"]
    label: Int64[np.ndarray, "n"]
    confidence: Float[np.ndarray, "n"]
    neighbors: Int64[np.ndarray, "n m"]
    distances: Float[np.ndarray, "n m"]


def leave_one_out(
    classifier: NeighborClassifier, *, neighbors: int = 3, most: int = LARGEST_SAMPLE, seed: int = 0
) -> HeldOut:
    """The answer for each labeled image whose class has another label, with the image itself taken away.

    Vote and eq. 1 are the classifier's own, with its k, distance and temperature. Where the network has learned from
    these labels, what follows from the answers is optimistic. Cost: n × labeled × dim operations, which is why only
    `most` images are answered, against all others: 2,000 of 60,000 take about 3 s on two cores and 100 MB.

    Args:
        classifier: over all labeled images.
        neighbors: m, how many others to name; fewer where fewer are labeled.
        most: above this many images, as many are drawn at random.
        seed: of that draw.
    Returns:
        one row per answered image; none where no class has two labels.
    Raises:
        UsageError: neighbors or most below 1.
    """
    if neighbors < 1 or most < 1:
        raise UsageError(f"neighbors and most must be at least 1, not {neighbors} and {most}.")
    points, targets = classifier.points, classifier.targets
    positions = np.flatnonzero(np.bincount(targets)[targets] > 1).astype(np.int64)
    if len(positions) > most:
        positions = np.sort(np.random.default_rng(seed).choice(positions, most, replace=False))
    if len(positions) == 0:
        width = (0, min(neighbors, len(points) - 1))
        return HeldOut(positions, positions, np.empty(0), np.empty(width, dtype=np.int64), np.empty(width))
    queries = points[positions]
    distances, others = NeighborIndex(points).search(queries, max(classifier.k, neighbors), exclude=positions)
    label = vote(targets[others[:, : classifier.k]])
    confidence = np.empty(len(positions))
    own = _own_class_distances(classifier, positions)
    for rows, means in classifier._class_distances(queries):
        block = np.arange(len(means))
        means[block, targets[positions[rows]]] = own[rows]
        logits = (means.min(axis=1, keepdims=True) - means) / classifier.temperature
        confidence[rows] = np.exp(logits[block, label[rows]]) / np.exp(logits).sum(axis=1)
    return HeldOut(positions, label, confidence, others[:, :neighbors], distances[:, :neighbors])


def _own_class_distances(classifier: NeighborClassifier, positions: np.ndarray) -> np.ndarray:
    """The mean d of each image to the k nearest others of its own class; all of them where there are fewer."""
    result = np.empty(len(positions))
    owners = classifier.targets[positions]
    for c in np.unique(owners):
        members, asked = np.flatnonzero(classifier.targets == c), np.flatnonzero(owners == c)
        own_place = np.searchsorted(members, positions[asked])
        points = classifier.points
        distances, _ = NeighborIndex(points[members]).search(points[positions[asked]], classifier.k, exclude=own_place)
        result[asked] = (distances if classifier.distance == "euclidean" else distances**2).mean(axis=1)
    return result
