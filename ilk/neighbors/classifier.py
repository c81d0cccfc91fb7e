"""Classes for new points from the labeled ones: the vote of the nearest, how sure it is, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int64, Shaped

from ilk.errors import ShapeError, UsageError
from ilk.neighbors.index import BLOCK, NeighborIndex, check_points
from ilk.shapes import Targets

NeighborClasses = Int64[np.ndarray, "images k"]
Fractions = Float[np.ndarray, "images"]
ClassFractions = Float[np.ndarray, "images classes"]

DISTANCES = ("squared", "euclidean")
K_CHOICES = (1, 3, 5)
STATUSES = ("sure", "check", "unlike")
SURE_FROM = 0.9
UNLIKE_QUANTILE = 0.99
UNLIKE_FACTOR = 2.0
LARGEST_SAMPLE = 2000
NO_LIMIT = float(np.finfo(np.float32).max)  # JSON has no infinity


@dataclass(frozen=True)
class Answers:
    """What the labeled images say about n others, one row each.

    Args:
        label: shape (n,), class numbers, 0 to C − 1.
        confidence: shape (n,), the probability of that class, 0 to 1.
        status: shape (n,), "sure", "check" (look at it) or "unlike" (far from all that is labeled).
        neighbors: shape (n, m), positions among the labeled images, nearest first.
        distances: shape (n, m), Euclidean distances to them, in the unit of the embedding.
        probabilities: shape (n, C), float32, rows sum to 1.
    """

    label: Targets
    confidence: Fractions
    status: Shaped[np.ndarray, "images"]
    neighbors: Int64[np.ndarray, "images m"]
    distances: Float[np.ndarray, "images m"]
    probabilities: ClassFractions

    def status_counts(self) -> dict[str, int]:
        """How many images have each status, in the order of `STATUSES`."""
        return {status: int((self.status == status).sum()) for status in STATUSES}


@dataclass(frozen=True, eq=False)
class NeighborClassifier:
    """The k-nearest-neighbor classifier over all labeled images, with a probability and a status for each answer.

    Its fields are what a saved model holds; `fit_classifier()` chooses k and the thresholds.

    Args:
        points: shape (labeled, dim), the embeddings of the labeled images.
        targets: shape (labeled,), their classes, 0 to C − 1, each at least once.
        classes: C, how many classes there are.
        distance: "squared" or "euclidean", the d of eq. 1, as in training.
        temperature: what d is divided by, above 0, as in training.
        k: how many neighbors vote, at least 1.
        unlike_beyond: farther than this Euclidean distance from every labeled image is "unlike".
        sure_from: the least confidence of a "sure" answer, 0 to 1.
    Raises:
        ShapeError: points or targets of another shape or type.
        UsageError: a setting out of its range, or a class without a label.
    Source:
        Hoffer & Ailon 2016, arXiv:1611.01449, eq. 1. Differs: d is the mean distance to the k nearest
        labeled images of each class (all of them where there are fewer), the paper has one reference per class.
    """

    points: np.ndarray
    targets: np.ndarray
    classes: int
    distance: str = "squared"
    temperature: float = 1.0
    k: int = 1
    unlike_beyond: float = NO_LIMIT
    sure_from: float = SURE_FROM

    def __post_init__(self) -> None:
        _check_labeled(self.points, self.targets)
        _check_settings(self)

    @property
    def scale(self) -> tuple[str, float]:
        """The distance of eq. 1 and its temperature."""
        return self.distance, self.temperature

    @cached_property
    def _index(self) -> NeighborIndex:
        return NeighborIndex(self.points)

    def predict(self, points: np.ndarray, neighbors: int = 3) -> Answers:
        """The class of each point by the vote of its k nearest labeled images, with the evidence for it.

        Args:
            points: shape (n, dim), embeddings from the same network.
            neighbors: m, how many labeled images to name for each; fewer where fewer are labeled.
        Returns:
            one row per point.
        Raises:
            ShapeError: points of another dim or not finite.
            UsageError: neighbors below 1.
        """
        if neighbors < 1:
            raise UsageError(f"neighbors must be at least 1, not {neighbors}.")
        distances, positions = self._index.search(points, max(self.k, neighbors))
        voters = self.targets[positions[:, : self.k]]
        label = vote(voters)
        log_probabilities = self._log_probabilities(points)
        confidence = np.exp(np.take_along_axis(log_probabilities, label[:, None], axis=1)[:, 0]).astype(np.float64)
        agreed = (voters == label[:, None]).all(axis=1)
        known = np.where(agreed & (confidence >= self.sure_from), "sure", "check")
        status = np.where(distances[:, 0] > self.unlike_beyond, "unlike", known)
        return Answers(
            label=label,
            confidence=confidence,
            status=status,
            neighbors=positions[:, :neighbors],
            distances=distances[:, :neighbors],
            probabilities=np.exp(log_probabilities),
        )

    def _log_probabilities(self, points: np.ndarray) -> ClassFractions:
        """log P(c | x) of eq. 1 over the mean distance to each class's k nearest labeled images, in nats."""
        result = np.empty((len(points), self.classes), dtype=np.float32)
        for rows, distances in self._class_distances(points):
            logits = -distances / self.temperature
            logits -= logits.max(axis=1, keepdims=True)
            result[rows] = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return result

    def _class_distances(self, points: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Blocks of rows, each with d to every class; float64 about the center keeps all digits that matter here."""
        order = np.argsort(self.targets, kind="stable")
        center = self.points.mean(axis=0, dtype=np.float64)
        labeled = self.points[order].astype(np.float64) - center
        sizes = np.einsum("nd,nd->n", labeled, labeled)
        ends = np.cumsum(np.bincount(self.targets, minlength=self.classes))
        step = max(1, BLOCK // len(labeled))
        for start in range(0, len(points), step):
            block = points[start : start + step].astype(np.float64) - center
            squared = sizes - 2 * block @ labeled.T + np.einsum("nd,nd->n", block, block)[:, None]
            pairs = np.maximum(squared, 0, out=squared)
            if self.distance == "euclidean":
                np.sqrt(pairs, out=pairs)
            means = np.empty((len(block), self.classes))
            for c, own in enumerate(np.split(pairs, ends[:-1], axis=1)):
                k = min(self.k, own.shape[1])
                means[:, c] = np.partition(own, k - 1, axis=1)[:, :k].mean(axis=1)
            yield slice(start, start + step), means


def vote(labels: NeighborClasses) -> Targets:
    """The class that most of the neighbors have; among equals the one whose nearest member is nearest.

    Args:
        labels: shape (images, k), the classes of each image's neighbors, nearest first, k at least 1.
    Returns:
        shape (images,), class numbers.
    """
    votes = (labels[:, :, None] == labels[:, None, :]).sum(axis=2)  # (images, k)
    return np.take_along_axis(labels, votes.argmax(axis=1)[:, None], axis=1)[:, 0]


def leave_one_out_error(points: np.ndarray, targets: np.ndarray, k: int = 1) -> float:
    """The fraction of labeled images that the vote of the k nearest others gets wrong; 0 is best.

    The network has seen these labels, so the figure is optimistic.

    Args:
        points: shape (labeled, dim), at least 2 rows.
        targets: shape (labeled,), class numbers.
        k: how many neighbors vote.
    Raises:
        ShapeError: points or targets of another shape or type, or fewer than 2.
    """
    _check_labeled(points, targets)
    if len(points) < 2:
        raise ShapeError("Leave-one-out needs at least 2 labeled images.")
    _, positions = NeighborIndex(points).search(points, k, exclude=np.arange(len(points)))
    return float(np.mean(vote(targets[positions]) != targets))


def fit_classifier(
    points: np.ndarray,
    targets: np.ndarray,
    classes: int,
    *,
    distance: str = "squared",
    temperature: float = 1.0,
    k: int | None = None,
) -> NeighborClassifier:
    """The classifier over these labeled images, with k and its thresholds chosen on them alone.

    k is the one of 1, 3 and 5 with the least leave-one-out error, the smallest among equals, and 1 where a class has
    one label. "Unlike" begins at twice the distance that 99% of the labeled images have to their nearest other one, or
    at half the median distance to the nearest one of another class, where that is more: a long training draws the
    labeled images of a class much closer together than new ones, but leaves the room between the classes.

    Args:
        points: shape (labeled, dim), their embeddings.
        targets: shape (labeled,), their classes, 0 to C − 1, each at least once.
        classes: C.
        distance: "squared" or "euclidean", as in training.
        temperature: as in training.
        k: how many neighbors vote, if not to be chosen.
    Raises:
        ShapeError: points or targets of another shape or type.
        UsageError: a setting out of its range, or a class without a label.
    """
    # Refuses bad input before anything is computed from it.
    NeighborClassifier(points, targets, classes, distance=distance, temperature=temperature, k=1 if k is None else k)
    k = _choose_k(points, targets) if k is None else k
    return NeighborClassifier(points, targets, classes, distance, temperature, k, _explained_distance(points, targets))


def _explained_distance(points: np.ndarray, targets: np.ndarray) -> float:
    # Copies of an image say nothing about how far apart images of one kind lie.
    distinct = np.unique(points, axis=0)
    if len(distinct) < 2:
        return NO_LIMIT
    distances, _ = NeighborIndex(distinct).search(distinct, 1, exclude=np.arange(len(distinct)))
    within = UNLIKE_FACTOR * float(np.quantile(distances, UNLIKE_QUANTILE))
    return max(within, 0.5 * _distance_between_classes(points, targets))


def _distance_between_classes(points: np.ndarray, targets: np.ndarray) -> float:
    """The median distance of a labeled image to the nearest one of another class; 0 where there is one class."""
    chosen = np.linspace(0, len(points) - 1, min(len(points), LARGEST_SAMPLE)).round().astype(int)
    classes = int(targets.max()) + 1
    if classes < 2:
        return 0.0
    nearest = NeighborClassifier(points, targets, classes, distance="euclidean")._class_distances(points[chosen])
    others = np.concatenate([means for _, means in nearest])
    others[np.arange(len(chosen)), targets[chosen]] = np.inf
    return float(np.median(others.min(axis=1)))


def _choose_k(points: np.ndarray, targets: np.ndarray) -> int:
    if np.bincount(targets).min() == 1:
        return 1
    _, positions = NeighborIndex(points).search(points, max(K_CHOICES), exclude=np.arange(len(points)))
    nearest = targets[positions]
    errors = [int((vote(nearest[:, :k]) != targets).sum()) for k in K_CHOICES]
    return K_CHOICES[int(np.argmin(errors))]


def _check_labeled(points: np.ndarray, targets: np.ndarray) -> None:
    check_points(points, "The labeled points")
    if targets.shape != (len(points),) or targets.dtype != np.int64:
        raise ShapeError(
            f"The targets must be int64 of shape ({len(points)},), one per labeled point, "
            f"not {targets.dtype} of shape {targets.shape}."
        )


def _check_settings(given: NeighborClassifier) -> None:
    if given.distance not in DISTANCES:
        raise UsageError(f"distance must be one of {', '.join(DISTANCES)}, not {given.distance!r}.")
    if not (given.temperature > 0 and np.isfinite(given.temperature)):
        raise UsageError(f"temperature must be above 0 and finite, not {given.temperature}.")
    if given.k < 1:
        raise UsageError(f"k must be at least 1, not {given.k}.")
    if len(given.targets) and not 0 <= given.targets.min() <= given.targets.max() < given.classes:
        raise UsageError(f"The targets must be class numbers from 0 to {given.classes - 1}.")
    missing = np.flatnonzero(np.bincount(given.targets, minlength=given.classes) == 0)
    if len(missing):
        raise UsageError(f"Every class needs a labeled image, but class number {missing[0]} has none.")
