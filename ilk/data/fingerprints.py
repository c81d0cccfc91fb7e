"""A short name for the content of an image, by which a run knows what it learned from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from ilk.shapes import Pixels

BLOCK = 1024
"""Images whose bytes are laid out at a time, where they do not lie so already."""


def fingerprints(images: Pixels) -> list[str]:
    """16 hexadecimal digits for each image's pixels; equal pixels give equal ones."""
    return [hashlib.blake2b(image.tobytes(), digest_size=8).hexdigest() for image in images]


def contiguous_blocks(images: Pixels) -> Iterator[Pixels]:
    """The images in their order, block by block, so that a memory-mapped array is never read whole."""
    for start in range(0, len(images), BLOCK):
        yield np.ascontiguousarray(images[start : start + BLOCK])
