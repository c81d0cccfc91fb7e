"""Images to points, a batch at a time, through a network in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from ilk.data.image_source import ImageSource, batches, source_of
from ilk.errors import ShapeError
from ilk.shapes import Images, Pixels, Vectors

LARGEST_BATCH, SMALL_AREA = 500, 64 * 64


def as_input(pixels: Tensor) -> Images:
    """uint8 images, 0 to 255, as networks see them: (pixel − 128) / 128, channels last in memory."""
    return pixels.to(torch.float32, copy=True).sub_(128).div_(128).contiguous(memory_format=torch.channels_last)


def batch_for(shape: tuple[int, ...]) -> int:
    """How many images of the shape (…, height, width) to take at a time: 500, fewer where they exceed 64×64 pixels."""
    return max(1, LARGEST_BATCH * SMALL_AREA // max(SMALL_AREA, shape[-2] * shape[-1]))


def embed(
    network: nn.Module,
    pixels: Pixels | ImageSource,
    *,
    batch: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Vectors:
    """The embedding f(x) of each image; the network's mode is put back as it was.

    Args:
        network: images (batch, channels, height, width) to points (batch, dim); used in evaluation mode.
        pixels: shape (images, channels, height, width), uint8: an array, or a source that is read batch by batch.
        batch: images at a time; None for what suits their size.
        on_progress: called with (done, total).
    Returns:
        shape (images, dim), float32, any scale.
    Raises:
        ShapeError: no images, or not four axes of uint8.
    """
    source = source_of(pixels)
    if len(source) == 0:
        raise ShapeError(f"embed() needs at least one image of uint8, not the shape {source.shape}.")
    batch = batch or batch_for(source.shape)
    device = next(network.parameters()).device
    was_training = network.training
    network.eval()
    points = np.empty((0, 0), dtype=np.float32)
    try:
        with torch.inference_mode():
            done = 0
            for part in batches(source, batch):
                found = network(as_input(part.to(device))).cpu().numpy()
                if done == 0:  # one array for all: small ones kept between large ones would scatter the memory
                    points = np.empty((len(source), found.shape[1]), dtype=np.float32)
                points[done : done + len(found)] = found
                done += len(found)
                if on_progress:
                    on_progress(done, len(source))
    finally:
        network.train(was_training)
    return points
