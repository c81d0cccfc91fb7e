"""Is the space still alive? Figures of collapse, and the sentence that names the cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float

from ilk.distances import Distance
from ilk.objectives import log_probabilities
from ilk.shapes import Vectors

LARGEST_SAMPLE = 1000


def spread(points: Vectors) -> float:
    """Root mean square distance to the mean; 0 when all points coincide, in the unit of the embedding."""
    centered = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    return float(np.sqrt((centered**2).sum(axis=1).mean()))


def effective_rank(points: Vectors) -> float:
    """How many directions the points use: 1 when they lie on a line, at most their dimension; 0 when they coincide.

    Source:
        Roy & Vetterli 2007, "The effective rank": exp of the entropy of the normalized singular values.
    """
    centered = points.astype(np.float64) - points.mean(axis=0, dtype=np.float64)
    values = np.linalg.svd(centered, compute_uv=False)
    if values.sum() <= 1e-12 * max(1.0, float(np.abs(points).max())):
        return 0.0
    shares = values / values.sum()
    return float(np.exp(-(shares[shares > 0] * np.log(shares[shares > 0])).sum()))


def class_shares(
    points: Vectors,
    references: Float[np.ndarray, "classes dim"],
    *,
    distance: Distance = "squared",
    temperature: float = 1.0,
) -> Float[np.ndarray, "classes"]:
    """The share of P that each class gets over the points; shape (classes,), sums to 1."""
    log_p = log_probabilities(
        torch.from_numpy(points), torch.from_numpy(references)[None], distance=distance, temperature=temperature
    )
    shares: np.ndarray = log_p.exp().mean(dim=(0, 1)).numpy()
    return shares


def diagnose(
    figures: Mapping[str, float], classes: Sequence[str], largest: int, scale: tuple[str, float] = ("squared", 1.0)
) -> list[str]:
    """Sentences on a collapse that the figures show; none while all is well.

    Args:
        figures: with "spread", "effective_rank" and "largest_share", as a recipe's probe records them.
        classes: the class names.
        largest: the number of the class with the largest share of P.
        scale: the distance of the answers and its temperature, which say how far apart points must lie to count as
            different.
    """
    distance, temperature = scale
    unit = temperature**0.5 if distance == "squared" else temperature
    if figures["spread"] < 0.05 * unit:
        return [
            f"The embedding has collapsed: all points lie within {figures['spread']:.2g} of their mean (temperature "
            f"{temperature:g}), so no class is nearer than another. Cause: too few steps to spread yet, or "
            "images that are all alike to the network. Give more `time_limit`, or look at the images by `ilk check`."
        ]
    if figures["effective_rank"] < 1.2 and len(classes) > 2:
        return [
            f"The embedding uses {figures['effective_rank']:.1f} directions for {len(classes)} classes: the points lie "
            "on a line. Cause: the entropy pulled before the labels had spread the classes. Give more `time_limit` or "
            "label more images."
        ]
    if figures["largest_share"] > max(0.9, 1 - 0.5 / len(classes)) and len(classes) > 1:
        return [
            f"{figures['largest_share']:.0%} of the unlabeled images are drawn to one class, {classes[largest]!r}. "
            "Cause: the entropy is lowest when all agree, or nearly all images are of that class. Label more "
            "images of the other classes."
        ]
    return []
