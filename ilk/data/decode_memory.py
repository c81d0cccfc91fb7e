"""How much memory an image takes while it is decoded, and how many may be decoded at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL.Image import Image

from ilk.data.color_modes import is_flat

LARGE_IMAGE = 16_000_000
"""From how many pixels on an image is made flat a piece at a time."""

_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
_FLATTENING = 9
_WEBP = 12
_COEFFICIENTS = 6
_FREE_PER_PIXEL, _LEAST_ALLOWED = 5, 64_000_000


def memory_needed(image: Image) -> int:
    """Bytes that decoding an opened image takes at its present size, roughly; a draft comes before, loading after.

    WebP's decoder holds the picture three times besides, a progressive JPEG's all its coefficients, a turned TIFF two
    of the picture, and a packed TIFF its largest strip or tile.
    """
    area = image.width * image.height
    need = area * _BYTES.get(image.mode, 4)
    if not is_flat(image) and area <= LARGE_IMAGE:
        need += area * _FLATTENING
    if image.format == "WEBP":
        need += area * _WEBP
    elif image.format == "TIFF":
        turned = image.tag_v2.get(0x0112, 1) != 1  # type: ignore[attr-defined]
        need = need * (2 if turned else 1) + _largest_strip(image)
    return need


def coefficients(image: Image) -> int:
    """Bytes of a progressive JPEG that a draft does not reduce; look before drafting."""
    return image.width * image.height * _COEFFICIENTS if image.info.get("progressive") else 0


def most_memory(max_pixels: int) -> int:
    """Bytes that an image may take where it may have so many pixels."""
    return max(_LEAST_ALLOWED, _FREE_PER_PIXEL * max_pixels)


def _largest_strip(image: Image) -> int:
    tiles = getattr(image, "tile", [])
    if not tiles or tiles[0][0] != "libtiff":
        return 0
    tags = image.tag_v2  # type: ignore[attr-defined]
    width, rows = tags.get(322, image.width), tags.get(323, tags.get(278, image.height))
    bits = tags.get(258, (1,))
    return int(min(rows, 2 * image.height) * min(width, 2 * image.width) * max(bits) * tags.get(277, 1) // 8)


class MemoryBudget:
    """Memory that is shared by all images under way; one that takes more than all of it is decoded alone.

    Args:
        size: bytes.
    """

    def __init__(self, size: int) -> None:
        self.size, self._used, self._changed = size, 0, threading.Condition()

    @contextmanager
    def taken(self, need: int) -> Iterator[None]:
        """Wait until there is room for so many bytes, and hold it."""
        with self._changed:
            self._changed.wait_for(lambda: self._used == 0 or self._used + need <= self.size)
            self._used += need
        try:
            yield
        finally:
            with self._changed:
                self._used -= need
                self._changed.notify_all()
