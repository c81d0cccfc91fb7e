"""An unlabeled image and a small change of it lie near the references of the same class."""

from __future__ import annotations

import torch
from torch import Tensor

from ilk.errors import ShapeError
from ilk.shapes import LogProbabilities


def consistency(log_p: LogProbabilities, log_p_changed: LogProbabilities, threshold: float = 0.95) -> Tensor:
    """Cross-entropy of a changed image's P with the class of the image itself, where that is certain.

    The class is the largest of P averaged over the reference sets; no gradient flows to it.

    Args:
        log_p: shape (batch, sets, classes), of the images as they are.
        log_p_changed: the same shape, of the same images after a small change (`ilk.data.random_affine`).
        threshold: 0 to 1; images whose largest P lies below it count as 0.
    Returns:
        A scalar in nats, averaged over all images of the batch; 0 when none is certain, or all agree.
    Raises:
        ShapeError: two different shapes, or not three axes.
    Source:
        Sohn et al. 2020 (FixMatch), arXiv:2001.07685, eq. 4. Differs: P is eq. 1 of neighbor embedding, not a
        classifier's softmax, and the images "as they are" get no change at all.
    """
    if log_p.ndim != 3 or log_p.shape != log_p_changed.shape:
        raise ShapeError(
            "consistency() needs the same shape (batch, sets, classes) twice, "
            f"not {tuple(log_p.shape)} and {tuple(log_p_changed.shape)}."
        )
    certainty, answers = log_p.detach().exp().mean(1).max(1)  # both (batch,)
    batch, sets, _ = log_p.shape
    losses = -log_p_changed.gather(2, answers.view(batch, 1, 1).expand(batch, sets, 1)).squeeze(2).mean(1)
    return torch.where(certainty >= threshold, losses, 0.0).mean()
