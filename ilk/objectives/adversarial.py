"""The small change of an image that moves its class the most."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ilk.shapes import Images, LogProbabilities

PROBE = 1.0
"""Length of the random change from which the gradient is taken, in the unit of the images."""


def adversarial_change(
    images: Images,
    answers: LogProbabilities,
    log_p_of: Callable[[Tensor], LogProbabilities],
    size: float,
    draw: torch.Generator,
) -> Images:
    """Each image moved a given way, in the direction that leads fastest from its answer as far as one gradient tells.

    A random change r is turned once towards the gradient of KL(answers ‖ P(x + r)), which for answers of x itself is a
    step of the power method for the direction of the greatest curvature.

    Args:
        images: shape (batch, channels, height, width), (pixel − 128) / 128.
        answers: shape (batch, sets, classes), log P that the images are to keep.
        log_p_of: images to log P, of the same shape; differentiable.
        size: root mean square of the change over an image's values, at least 0, in the same unit.
        draw: of the random directions, on the CPU.
    Returns:
        images of the same shape, without gradient; not cut off at black and white.
    Source:
        Miyato et al. 2018, "Virtual adversarial training", arXiv:1704.03976, eq. 8 to 12. Differs: P is eq. 1 of
        neighbor embedding, and the change's length grows with the number of values, so that it fits any size of image.
    """
    images, answers = images.detach(), answers.detach()
    random = torch.randn(images.shape, generator=draw).to(images.device)
    direction = (PROBE * _unit(random)).requires_grad_()
    divergence = (answers.exp() * (answers - log_p_of(images + direction))).sum(2).mean()
    (gradient,) = torch.autograd.grad(divergence, direction)
    return images + size * math.sqrt(images[0].numel()) * _unit(gradient)


def _unit(changes: Images) -> Images:
    """Each change at length 1; one of length 0 stays so."""
    lengths = changes.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return changes / lengths.clamp_min(torch.finfo(changes.dtype).tiny)
