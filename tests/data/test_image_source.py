"""Images by their positions, in the order of the positions."""

from __future__ import annotations

import torch

from ilk.data.image_source import ImagesInMemory, ImageSource


def test_images_in_memory_are_a_source() -> None:
    pixels = torch.arange(12, dtype=torch.uint8).view(3, 1, 2, 2)
    for source in (ImagesInMemory(pixels), ImagesInMemory(pixels.numpy())):
        assert isinstance(source, ImageSource)
        assert (len(source), source.shape) == (3, (3, 1, 2, 2))
        assert torch.equal(source.take(torch.tensor([2, 0, 2])), pixels[[2, 0, 2]])
