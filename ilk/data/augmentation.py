"""Small random changes of shape that leave an image's class as it is."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from ilk.shapes import Images

ROTATION = math.radians(12)
SCALE = 0.1
SHEAR = 0.1
SHIFT = 0.07


def random_affine(images: Images, generator: torch.Generator, strength: float = 1.0) -> Images:
    """Turn, stretch, shear and shift each image by its own random amounts; the same image at strength 0.

    Rotation within ±12°, scales 1 ± 0.1 for each axis, shear ±0.1, shift ±7% of each side, all uniform and times
    `strength`. Bilinear; what comes in from outside repeats the border.

    Args:
        images: shape (batch, channels, height, width), any range; gradients flow.
        generator: draws six numbers for each image, on its own device, which may be another than the images'.
        strength: from 0; 1 is the range above.
    Returns:
        shape, type, device and memory layout of `images`.
    """
    if strength == 0 or len(images) == 0:
        return images
    height, width = images.shape[2:]
    draws = torch.rand(len(images), 6, generator=generator, device=generator.device) * 2 - 1
    turn, scale_x, scale_y, shear, shift_x, shift_y = (strength * draws).to(images.device).unbind(1)
    cos, sin = torch.cos(ROTATION * turn), torch.sin(ROTATION * turn)
    scale_x, scale_y = 1 + SCALE * scale_x, 1 + SCALE * scale_y
    # A grid of output places asks where to read: rotation · shear · scale, in units of half a side, so that the
    # off-diagonal entries carry the ratio of the sides.
    rows = (
        (cos * scale_x, (cos * SHEAR * shear - sin) * scale_y * height / width, 2 * SHIFT * shift_x),
        (sin * scale_x * width / height, (sin * SHEAR * shear + cos) * scale_y, 2 * SHIFT * shift_y),
    )
    matrix = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1).to(images.dtype)  # (batch, 2, 3)
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    changed = functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    if images.is_contiguous(memory_format=torch.channels_last):
        return changed.contiguous(memory_format=torch.channels_last)
    return changed
