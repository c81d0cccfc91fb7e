"""The small change of an image that moves its class the most."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from ilk.errors import ShapeError, UsageError
from ilk.shapes import Images, LogProbabilities

PROBE_LENGTH = 1.0
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
    Raises:
        ShapeError: images without four axes, or log P of another shape than the answers.
        UsageError: a size that is not finite, or below 0.
    Source:
        Miyato et al. 2018, "Virtual adversarial training", arXiv:1704.03976, eq. 8 to 12. Differs: P is eq. 1 of
        neighbor embedding, and the change's length grows with the number of values, so that it fits any size of image.
    """
    if images.ndim != 4 or answers.ndim != 3 or len(answers) != len(images):
        raise ShapeError(
            "adversarial_change() needs images (batch, channels, height, width) and answers (batch, sets, classes), "
            f"not {tuple(images.shape)} and {tuple(answers.shape)}."
        )
    if not 0 <= size < math.inf:
        raise UsageError(f"The size of a change must be at least 0 and finite, not {size}.")
    images, answers = images.detach(), answers.detach()
    random = torch.randn(images.shape, generator=draw).to(images.device)
    direction = (PROBE_LENGTH * _unit(random)).requires_grad_()
    with torch.enable_grad():
        log_p = log_p_of(images + direction)
        if log_p.shape != answers.shape:
            raise ShapeError(f"log P of the images has the shape {tuple(log_p.shape)}, not {tuple(answers.shape)}.")
        divergence = (answers.exp() * (answers - log_p)).sum(2).mean()
    (gradient,) = torch.autograd.grad(divergence, direction)
    return images + size * math.sqrt(math.prod(images.shape[1:])) * _unit(gradient)


def _unit(changes: Images) -> Images:
    """Each change at length 1; one of length 0 stays so."""
    lengths = changes.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return changes / lengths.clamp_min(torch.finfo(changes.dtype).tiny)
