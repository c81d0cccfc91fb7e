"""A small picture inside the page's own text."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from ilk.report.content import Picture


@dataclass(frozen=True)
class Thumbnail:
    """A PNG as a data URI, with its width and height in pixels; `exact` where no pixel was resampled."""

    uri: str
    width: int
    height: int
    exact: bool


def thumbnail(image: Picture, side: int) -> Thumbnail:
    """A picture no larger than `side` pixels, as text for the page; a smaller one is kept pixel by pixel.

    Args:
        image: shape (channels, height, width), uint8, 1 or 3 channels.
        side: the longest side allowed, in pixels.
    Returns:
        A PNG of the same aspect ratio (at least one pixel wide and high).
    """
    picture = Image.fromarray(image[0] if image.shape[0] == 1 else image.transpose(1, 2, 0).copy())
    longest = max(picture.size)
    exact = longest <= side
    if not exact:
        width, height = (max(1, round(length * side / longest)) for length in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BOX)
    buffer = BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    uri = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
    return Thumbnail(uri, *picture.size, exact)
