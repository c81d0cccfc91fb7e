"""Subtracting the mean color of the training images, as a part of the network that is saved with it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ilk.data.image_source import ImageSource, batches, source_of
from ilk.errors import UsageError
from ilk.networks.embedding import batch_for
from ilk.shapes import Pixels

BUFFER_NAME = "mean"


def mean_color(pixels: Pixels | ImageSource) -> Tensor:
    """The mean of each channel over all images, as networks see them: (mean − 128) / 128; shape (channels,)."""
    source = source_of(pixels)
    count, channels, height, width = source.shape
    sums = torch.zeros(channels, dtype=torch.int64)
    for block in batches(source, batch_for(source.shape)):
        sums += block.sum(dim=(0, 2, 3)).cpu()
    mean = sums.double() / (count * height * width)
    return ((mean - 128) / 128).float()


def subtract_mean(network: nn.Module, mean: Tensor) -> None:
    """Let the first convolution subtract `mean` from the images before it looks at them; zeros pad what is left.

    The mean is a buffer of that convolution: it is saved with the weights, and the layers keep their names.

    Args:
        network: changed in place.
        mean: shape (channels,), in the unit of the network's input.
    Raises:
        UsageError: the network has no convolution of images with so many channels.
    Source:
        Simonyan & Zisserman 2014, arXiv:1409.1556, section 2.1.
    """
    first = next((layer for layer in network.modules() if isinstance(layer, nn.Conv2d)), None)
    if first is None or first.in_channels != len(mean):
        raise UsageError(f"{type(network).__name__} has no first convolution from which to subtract {len(mean)} means.")
    if not hasattr(first, BUFFER_NAME):
        first.register_forward_pre_hook(_subtract)
    first.register_buffer(BUFFER_NAME, mean.clone())


def subtracts_mean(network: nn.Module) -> bool:
    """Whether `subtract_mean()` was applied to it."""
    return any(isinstance(layer, nn.Conv2d) and hasattr(layer, BUFFER_NAME) for layer in network.modules())


def _subtract(layer: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    mean: Tensor = getattr(layer, BUFFER_NAME)
    return (given[0] - mean[:, None, None], *given[1:])
