"""An augmented image lies near the references of the class that the image itself lies near."""

from __future__ import annotations

import torch
from torch import Tensor

from ilk.errors import ShapeError
from ilk.shapes import LogProbabilities


def consistency(log_p: LogProbabilities, log_p_augmented: LogProbabilities, threshold: float = 0.95) -> Tensor:
    """Cross-entropy of an augmented image's P with the image's pseudo-label, where that is certain; else with its P.

    The pseudo-label is the largest of P averaged over the reference sets; no gradient flows to it. Images that are not
    certain keep their P, by its Kullback-Leibler divergence, weighted by the square of their share in the batch: it
    counts while nearly nothing is certain, and not once nearly everything is.

    Args:
        log_p: shape (batch, sets, classes), of the images as they are.
        log_p_augmented: the same shape, of the same images after augmentation (`ilk.data.random_affine`).
        threshold: 0 to 1; an image is certain where its largest P is no less.
    Returns:
        A scalar in nats, averaged over all images of the batch; 0 when all agree.
    Raises:
        ShapeError: two different shapes, or not three axes.
    Source:
        Sohn et al. 2020 (FixMatch), arXiv:2001.07685, eq. 4; the others: Miyato et al. 2018, arXiv:1704.03976, eq. 5.
        Differs: P is eq. 1 of neighbor embedding, not a classifier's softmax, and the images that answer get no change.
    """
    if log_p.ndim != 3 or log_p.shape != log_p_augmented.shape:
        raise ShapeError(
            "consistency() needs the same shape (batch, sets, classes) twice, "
            f"not {tuple(log_p.shape)} and {tuple(log_p_augmented.shape)}."
        )
    certainty, answers = log_p.detach().exp().mean(1).max(1)  # both (batch,)
    batch, sets, _ = log_p.shape
    certain = certainty >= threshold
    own = -log_p_augmented.gather(2, answers.view(batch, 1, 1).expand(batch, sets, 1)).squeeze(2).mean(1)  # (batch,)
    log_p = log_p.detach()
    apart = torch.where(log_p.isneginf(), 0.0, log_p.exp() * (log_p - log_p_augmented).clamp_max(1e4)).sum(2).mean(1)
    unsure = 1 - certain.to(own.dtype).mean()
    return torch.where(certain, own, unsure.square() * apart).mean()
