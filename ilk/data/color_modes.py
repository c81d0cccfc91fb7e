"""From any mode of an image to gray or RGB of 8 bits, over white where it is transparent; large ones piece by piece."""

from __future__ import annotations

import numpy as np
from PIL import Image as pillow
from PIL.Image import Image

from ilk.data.file_checks import UndecodableError

_PIECE = 1024


def is_gray(mode: str) -> bool:
    """Whether images of this mode of Pillow's have no color."""
    return mode in ("1", "L", "LA", "La", "I", "F") or mode.startswith("I;16")


def is_flat(image: Image) -> bool:
    """Whether `flat` gives the image back as it is."""
    return image.mode in ("L", "RGB") and "transparency" not in image.info


def flat(image: Image) -> Image:
    """As mode L if it is gray, else RGB; transparent pixels over white.

    Raises:
        UndecodableError: its pixels are floating-point or 32-bit numbers.
    """
    _require_known_range(image)
    return _flat(image)


def flat_coarsely(image: Image, enough: int) -> tuple[Image, tuple[float, float, float, float]]:
    """The same with blocks of pixels averaged, as far as both sides keep `enough`; never whole in memory twice.

    Returns:
        the smaller image, and the box in it that the picture fills: the last row and column may be half outside.
    Raises:
        UndecodableError: its pixels are floating-point or 32-bit numbers.
    """
    _require_known_range(image)
    (width, height), (across, down) = image.size, (max(1, side // enough) for side in image.size)
    wide, high = across * max(1, _PIECE // across), down * max(1, _PIECE // down)
    whole = pillow.new("L" if is_gray(image.mode) else "RGB", (-(-width // across), -(-height // down)))
    for top in range(0, height, high):
        for left in range(0, width, wide):
            piece = image.crop((left, top, min(left + wide, width), min(top + high, height)))
            whole.paste(_flat(piece).reduce((across, down)), (left // across, top // down))
    return whole, (0.0, 0.0, width / across, height / down)


def _require_known_range(image: Image) -> None:
    if image.mode == "F":
        raise UndecodableError("its pixels are floating-point numbers of unknown range; save it with 8 or 16 bits")
    if image.mode == "I":
        least, most = image.getextrema()
        if least < 0 or not 255 < most <= 65535:  # type: ignore[operator]
            raise UndecodableError("its pixels are 32-bit numbers of unknown range; save it with 8 or 16 bits")


def _flat(image: Image) -> Image:
    gray = is_gray(image.mode)
    if image.mode.startswith("I"):
        return pillow.fromarray(_eight_bits(np.asarray(image)))
    if image.mode in ("La", "RGBa", "PA") or ("transparency" in image.info and image.mode in ("1", "L", "P", "RGB")):
        image = image.convert("LA" if gray else "RGBA")
    if image.mode in ("LA", "RGBA"):
        opaque = image.convert("L" if gray else "RGB")
        white = pillow.new(opaque.mode, image.size, "white")
        white.paste(opaque, mask=image.getchannel("A"))
        return white
    return image if image.mode in ("L", "RGB") else image.convert("L" if gray else "RGB")


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    """16-bit gray as 8 bits: 0 stays 0, 65535 becomes 255, rounded; in 32 bits, only what is beyond 8 bits."""
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
