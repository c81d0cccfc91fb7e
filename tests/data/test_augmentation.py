"""Random changes of shape: bounds, the identity, and agreement with a plain loop."""

from __future__ import annotations

import math

import pytest
import torch

from ilk.data import random_affine


def draws(n: int, seed: int) -> torch.Tensor:
    return torch.rand(n, 6, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def plain(image: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
    """Each output pixel reads the input at rotation · shear · scale of its place plus a shift, border repeated."""
    _, height, width = image.shape
    turn, scale_x, scale_y, shear, shift_x, shift_y = draw.tolist()
    a = math.radians(12) * turn
    out = torch.empty_like(image)
    for row in range(height):
        for column in range(width):
            x, y = column - (width - 1) / 2, row - (height - 1) / 2
            x, y = x * (1 + 0.1 * scale_x), y * (1 + 0.1 * scale_y)
            x = x + 0.1 * shear * y
            x, y = math.cos(a) * x - math.sin(a) * y, math.sin(a) * x + math.cos(a) * y
            x = min(max(x + 0.07 * shift_x * width + (width - 1) / 2, 0), width - 1)
            y = min(max(y + 0.07 * shift_y * height + (height - 1) / 2, 0), height - 1)
            left, top = min(int(x), width - 2), min(int(y), height - 2)
            u, v = x - left, y - top
            upper = (1 - u) * image[:, top, left] + u * image[:, top, left + 1]
            lower = (1 - u) * image[:, top + 1, left] + u * image[:, top + 1, left + 1]
            out[:, row, column] = (1 - v) * upper + v * lower
    return out


@pytest.mark.parametrize("shape", [(3, 1, 12, 12), (2, 3, 9, 17)])
def test_agrees_with_the_plain_loop(shape: tuple[int, ...]) -> None:
    images = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    changed = random_affine(images, torch.Generator().manual_seed(7))
    expected = torch.stack([plain(i, d) for i, d in zip(images, draws(len(images), 7), strict=True)])
    assert torch.allclose(changed, expected, atol=2e-5)
    assert not torch.allclose(changed, images, atol=0.05)


def test_strength_zero_is_the_identity_and_small_strengths_come_close() -> None:
    images = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.equal(random_affine(images, torch.Generator(), strength=0.0), images)
    assert torch.allclose(random_affine(images, torch.Generator(), strength=1e-4), images, atol=0.01)


def test_each_image_is_changed_in_its_own_way_and_a_seed_repeats_it() -> None:
    images = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(0)).repeat(5, 1, 1, 1)
    first, second = (random_affine(images, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.allclose(first[0], first[1])


def test_constant_images_stay_constant_and_memory_layout_is_kept() -> None:
    images = torch.full((2, 3, 8, 8), 0.25).contiguous(memory_format=torch.channels_last)
    changed = random_affine(images, torch.Generator().manual_seed(0), strength=3.0)
    assert torch.allclose(changed, images)
    assert changed.is_contiguous(memory_format=torch.channels_last)
    assert random_affine(images.contiguous(), torch.Generator()).is_contiguous()
    assert random_affine(images[:0], torch.Generator()).shape == (0, 3, 8, 8)
