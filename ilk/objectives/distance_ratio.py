"""The labeled objective: a query lies nearer to its own class's reference than to the others."""

from __future__ import annotations

import torch
from torch import Tensor

from ilk.errors import ShapeError, UsageError
from ilk.shapes import ClassTargets, Labels, LogProbabilities, Mask, TargetProbabilities


def distance_ratio(
    log_p: LogProbabilities, targets: Labels | TargetProbabilities, valid_pairs: Mask | None = None
) -> Tensor:
    """Cross-entropy of P with each query's own class, averaged; 0 when each query sits on its class's reference alone.

    Args:
        log_p: shape (batch, sets, classes), from `log_probabilities`.
        targets: shape (batch,), class numbers; or shape (batch, classes), a distribution for each query, for instance
            from known distances between classes (`similar_classes`).
        valid_pairs: shape (batch, sets), False where a query is its own reference; None counts all.
    Returns:
        A scalar in nats; log C when all points coincide; 0 (without gradient) when no pair is valid.
    Raises:
        ShapeError: log_p without its three axes, or targets or valid_pairs that do not fit it.
    Source:
        Hoffer & Ailon 2016, arXiv:1611.01449, eq. 2 and 3; other targets, §5.3.
    """
    if log_p.ndim != 3 or (valid_pairs is not None and valid_pairs.shape != log_p.shape[:2]):
        raise ShapeError(
            "distance_ratio() needs log_p (batch, sets, classes) and valid_pairs (batch, sets), "
            f"not {tuple(log_p.shape)} and {valid_pairs if valid_pairs is None else tuple(valid_pairs.shape)}."
        )
    batch, sets, classes = log_p.shape
    if targets.shape == (batch,) and not targets.is_floating_point():
        losses = -log_p.gather(2, targets.view(batch, 1, 1).expand(batch, sets, 1)).squeeze(2)  # (batch, sets)
    elif targets.shape == (batch, classes) and targets.is_floating_point():
        losses = -torch.where(targets[:, None] > 0, targets[:, None] * log_p, 0.0).sum(2)
    else:
        raise ShapeError(
            f"distance_ratio() needs class numbers ({batch},) or distributions ({batch}, {classes}) as targets, "
            f"not {targets.dtype} of shape {tuple(targets.shape)}."
        )
    if valid_pairs is None:
        return losses.mean()
    return torch.where(valid_pairs, losses, 0.0).sum() / valid_pairs.sum().clamp_min(1)


def similar_classes(class_distances: Tensor, temperature: float = 1.0) -> ClassTargets:
    """Targets from prior knowledge: one distribution per class, from known distances between the classes.

    Args:
        class_distances: shape (classes, classes), at least 0, 0 on the diagonal, any unit.
        temperature: > 0, in the same unit; towards 0 the targets become one-hot.
    Returns:
        shape (classes, classes); row c is the target of a query of class c, largest at c. Index it by the labels.
    Raises:
        ShapeError: not a square matrix.
        UsageError: a temperature that is not above 0.
    Source:
        Hoffer & Ailon 2016, arXiv:1611.01449, §5.3 (the paper names the idea, not the formula; here eq. 1's).
    """
    if class_distances.ndim != 2 or class_distances.shape[0] != class_distances.shape[1]:
        raise ShapeError(f"similar_classes() needs a square matrix, not {tuple(class_distances.shape)}.")
    if not temperature > 0:
        raise UsageError(f"The temperature must be above 0, not {temperature}.")
    return (-class_distances / temperature).softmax(1)
