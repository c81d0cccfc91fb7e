"""Thumbnails of many images as a few large pictures, small enough for one page."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from ilk.shapes import Pixels

CHARACTERS_PER_PAGE = 12_000_000
"""Characters that all thumbnails of a page may take."""

LARGEST_SIDE, SMALLER_SIDES = 64, (48, 40, 32, 28, 24, 20, 16, 12)
"""Sides of a thumbnail in pixels: its own up to the largest, then these until all fit."""

COLUMNS = 32
PER_SHEET = COLUMNS * COLUMNS
WEBP_QUALITY = 75


@dataclass(frozen=True)
class Sheets:
    """Thumbnails in rows of 32, 1,024 to a sheet, in the order of the images.

    Args:
        uris: one data URI per sheet, WebP.
        width: of a thumbnail, in pixels.
        height: of a thumbnail, in pixels.
        exact: no thumbnail was made smaller than its image.
    """

    uris: tuple[str, ...] = ()
    width: int = 0
    height: int = 0
    exact: bool = True


def make_sheets(
    images: Pixels, budget: int = CHARACTERS_PER_PAGE, on_progress: Callable[[int, int | None], None] | None = None
) -> Sheets:
    """All images as thumbnails, as large as the budget allows: at most 64 pixels, at least 12.

    60,000 gray images of 28 pixels keep every pixel and take 11.5 million characters and two seconds.

    Args:
        images: shape (n, channels, height, width), uint8, 1 or 3 channels.
        budget: characters for all.
        on_progress: called with images done and images in all.
    Returns:
        sheets for n images; with the smallest thumbnails they may take more than the budget.
    """
    if len(images) == 0:
        return Sheets()
    sample = images[np.linspace(0, len(images) - 1, min(len(images), PER_SHEET)).astype(int)]
    longest = max(images.shape[2:])
    own = min(longest, LARGEST_SIDE)
    for side in (own, *(side for side in SMALLER_SIDES if side < own)):
        width, height = (max(1, round(length * side / longest)) for length in images.shape[:1:-1])
        if len(_sheet(sample, width, height)) / len(sample) * len(images) <= budget:
            break
    uris = []
    for first in range(0, len(images), PER_SHEET):
        uris.append(_sheet(images[first : first + PER_SHEET], width, height))
        if on_progress is not None:
            on_progress(min(first + PER_SHEET, len(images)), len(images))
    return Sheets(tuple(uris), width, height, exact=side == longest)


def _sheet(images: Pixels, width: int, height: int) -> str:
    color = images.shape[1] == 3
    rows = -(-len(images) // COLUMNS)
    sheet = Image.new("RGB" if color else "L", (COLUMNS * width, rows * height))
    for i, pixels in enumerate(images):
        picture = Image.fromarray(pixels.transpose(1, 2, 0).copy() if color else pixels[0])
        if picture.size != (width, height):
            picture = picture.resize((width, height), Image.Resampling.BOX)
        sheet.paste(picture, (i % COLUMNS * width, i // COLUMNS * height))
    buffer = BytesIO()
    sheet.save(buffer, "WEBP", quality=WEBP_QUALITY, method=1)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
