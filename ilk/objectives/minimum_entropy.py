"""The unlabeled objective: an image lies near the references of just one class."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ilk.errors import ShapeError
from ilk.shapes import Groups, LogProbabilities


def minimum_entropy(log_p: LogProbabilities, groups: Groups | None = None) -> Tensor:
    """Entropy of P, averaged; 0 when every image is certain.

    Args:
        log_p: shape (batch, sets, classes), from `log_probabilities`.
        groups: shape (classes,), a group number from 0 for each class. Classes of one group are known to overlap: their
            probabilities are added first, so nothing is asked within a group. None: every class is its own.
    Returns:
        A scalar in nats; log C when all points coincide.
    Raises:
        ShapeError: log_p without its three axes, or groups that do not name one group per class.
    Source:
        Hoffer & Ailon 2016, arXiv:1611.01449, eq. 4 and 5; groups, §5.3.
    """
    if log_p.ndim != 3:
        raise ShapeError(f"minimum_entropy() needs log_p (batch, sets, classes), not {tuple(log_p.shape)}.")
    if groups is not None:
        log_p = group_log_probabilities(log_p, groups)
    # 0 · log 0 counts as 0, and its gradient with it.
    return -torch.where(log_p.isneginf(), 0.0, log_p.exp() * log_p.clamp_min(-1e4)).sum(2).mean()


def group_log_probabilities(log_p: LogProbabilities, groups: Groups) -> Float[Tensor, "batch sets groups"]:
    """log P of groups of classes, shape (batch, sets, groups); a group's probability is the sum of its classes'."""
    if groups.shape != log_p.shape[2:]:
        raise ShapeError(f"groups must name one group for each of {log_p.shape[2]} classes, not {tuple(groups.shape)}.")
    return torch.stack([log_p[:, :, groups == group].logsumexp(2) for group in range(int(groups.max()) + 1)], dim=2)
