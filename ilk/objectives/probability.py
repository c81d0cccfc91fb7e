"""The distribution on which every objective of the method stands."""

from __future__ import annotations

from ilk.distances import Distance, pairwise
from ilk.errors import ShapeError, UsageError
from ilk.shapes import Embeddings, LogProbabilities, References


def log_probabilities(
    points: Embeddings, references: References, *, distance: Distance = "squared", temperature: float = 1.0
) -> LogProbabilities:
    """log P(c | x; z): which class's reference is near; 0 for a class at distance 0 with all others far.

    Each of the K reference sets gives a C-way distribution of its own: they are never joined into one K·C-way softmax,
    which would be another objective.

    Args:
        points: shape (batch, dim).
        references: shape (sets, classes, dim); gradients flow through them too.
        distance: "squared" or "euclidean".
        temperature: > 0; distances are divided by it. Large values make the distribution flat.
    Returns:
        shape (batch, sets, classes), in nats, at most 0; −log C where all points coincide.
    Raises:
        ShapeError: references without the three axes, or of another width than the points.
        UsageError: a temperature that is not above 0.
    Source:
        Hoffer & Ailon 2016, arXiv:1611.01449, eq. 1. Differs: temperature (1 as printed) and K sets (1 as printed).
    """
    if references.ndim != 3 or points.ndim != 2 or references.shape[2] != points.shape[1]:
        raise ShapeError(
            "log_probabilities() needs points (batch, dim) and references (sets, classes, dim), "
            f"not {tuple(points.shape)} and {tuple(references.shape)}."
        )
    if not temperature > 0:
        raise UsageError(f"The temperature must be above 0, not {temperature}.")
    sets, classes, _ = references.shape
    distances = pairwise(points, references.flatten(0, 1), distance)  # (batch, sets · classes)
    return (-distances / temperature).view(len(points), sets, classes).log_softmax(-1)
