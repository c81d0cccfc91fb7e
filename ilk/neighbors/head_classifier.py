"""Classes for new points from a trained linear head, with the nearest labeled images as evidence."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np
from jaxtyping import Float, Float32

from ilk.errors import ShapeError, UsageError
from ilk.neighbors.classifier import Answers, NeighborClassifier


@dataclass(frozen=True, eq=False)
class HeadClassifier(NeighborClassifier):
    """A softmax over a linear layer answers; the labeled images show what lies near, and what is unlike all of them.

    Args:
        weight: shape (C, dim).
        bias: shape (C,).
        head_temperature: what the logits are divided by, above 0; 1 as trained.
        points, targets, classes, distance, temperature, k, unlike_beyond, sure_from: as for NeighborClassifier, for the
            evidence and the status.
    Raises:
        ShapeError: weight or bias that do not fit the classes or the points.
        UsageError: a temperature that is not above 0.
    See also:
        NeighborClassifier: the nearest labeled images vote. A linear head is one in dim + 1 dimensions, one reference
        (w, r) of each class: if r² = Q − w·w − 2b, the squared distance of (x, 0) to it is x·x + Q − 2 (w·x + b).
    """

    weight: Float32[np.ndarray, "classes dim"] = field(kw_only=True)
    bias: Float32[np.ndarray, "classes"] = field(kw_only=True)
    head_temperature: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        expected = (self.classes, self.points.shape[1])
        if self.weight.shape != expected or self.bias.shape != expected[:1]:
            raise ShapeError(
                f"A head of {expected[0]} classes over {expected[1]} dimensions needs a weight {expected} and a bias "
                f"{expected[:1]}, not {self.weight.shape} and {self.bias.shape}."
            )
        if not (self.head_temperature > 0 and np.isfinite(self.head_temperature)):
            raise UsageError(f"head_temperature must be above 0 and finite, not {self.head_temperature}.")

    def predict(self, points: Float[np.ndarray, "images dim"], neighbors: int = 3) -> Answers:
        """The most probable class of each point, and the labeled images nearest to it.

        Args:
            points: shape (n, dim), embeddings from the same network.
            neighbors: how many labeled images to name for each.
        Returns:
            one row per point; "sure" needs the nearest labeled image to agree, too.
        Raises:
            ShapeError: points of another dim or not finite.
            UsageError: neighbors below 1.
        """
        near = super().predict(points, neighbors)
        logits = (points.astype(np.float64) @ self.weight.T + self.bias) / self.head_temperature
        logits -= logits.max(axis=1, keepdims=True)
        probabilities = np.exp(logits)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        label = probabilities.argmax(axis=1)
        confidence = np.take_along_axis(probabilities, label[:, None], axis=1)[:, 0]
        agreed = self.targets[near.neighbors[:, 0]] == label
        known = np.where(agreed & (confidence >= self.sure_from), "sure", "check")
        status = np.where(near.status == "unlike", "unlike", known)
        return replace(
            near, label=label, confidence=confidence, status=status, probabilities=probabilities.astype(np.float32)
        )


def with_head(
    classifier: NeighborClassifier,
    weight: Float32[np.ndarray, "classes dim"],
    bias: Float32[np.ndarray, "classes"],
    head_temperature: float = 1.0,
) -> HeadClassifier:
    """The same labeled images and thresholds, with a head that answers."""
    own = {each.name: getattr(classifier, each.name) for each in fields(NeighborClassifier)}
    return HeadClassifier(**own, weight=weight, bias=bias, head_temperature=head_temperature)
