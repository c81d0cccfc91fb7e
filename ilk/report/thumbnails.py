"""Pictures as data URIs inside the text of a page."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

from ilk.errors import DataError
from ilk.report.content import Picture

LOSSLESS_SIDE = 64
"""In pixels: an image no larger than this is kept bit by bit."""

JPEG_QUALITY = 80
"""Of JPEG, 1 to 95."""

LARGEST_MAP_BYTES = 500_000
"""In bytes: a larger map would take most of the page's weight."""


@dataclass(frozen=True)
class Thumbnail:
    """A PNG or JPEG as a data URI, with its width and height in pixels; `exact` where no pixel was resampled."""

    uri: str
    width: int
    height: int
    exact: bool


def thumbnail(image: Picture, side: int) -> Thumbnail:
    """A picture no larger than `side` pixels, as text for the page; a smaller one is not resampled.

    A photograph becomes a JPEG; a small image, or one that a PNG holds in fewer bytes (few levels, flat areas), a PNG.

    Args:
        image: shape (channels, height, width), uint8, 1 or 3 channels.
        side: the longest side allowed, in pixels.
    Returns:
        The same aspect ratio (at least one pixel wide and high).
    """
    picture = Image.fromarray(image[0] if image.shape[0] == 1 else image.transpose(1, 2, 0).copy())
    longest = max(picture.size)
    exact = longest <= side
    if not exact:
        width, height = (max(1, round(length * side / longest)) for length in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BOX)
    png, jpeg = _encode(picture, "PNG"), _encode(picture, "JPEG")
    as_png = (exact and longest <= LOSSLESS_SIDE) or len(png) <= len(jpeg)
    return Thumbnail(_uri("png", png) if as_png else _uri("jpeg", jpeg), *picture.size, exact)


def map_picture(png: bytes) -> Thumbnail:
    """The file of the map as text for the page: as it is, or as a JPEG half as wide where it is very heavy.

    Raises:
        DataError: the bytes are no PNG.
    """
    try:
        with Image.open(BytesIO(png), formats=("PNG",)) as picture:
            if len(png) <= LARGEST_MAP_BYTES:
                return Thumbnail(_uri("png", png), *picture.size, exact=False)
            flat = picture.convert("RGB").reduce(2)
    except (OSError, SyntaxError) as error:
        raise DataError(f"The report cannot show its map: {error}; it must be the bytes of a PNG file.") from error
    return Thumbnail(_uri("jpeg", _encode(flat, "JPEG")), *flat.size, exact=False)


def _encode(picture: Image.Image, format: str) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format=format, optimize=True, quality=JPEG_QUALITY)
    return buffer.getvalue()


def _uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
