"""One image from its file or bytes to pixels, or one sentence why not; files are only ever read."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as pillow
from PIL import UnidentifiedImageError
from PIL.Image import DecompressionBombError, Image, Resampling, Transpose

from ilk.data.listing import Picture

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
_ORIENTATION = 0x0112


class UndecodableError(Exception):
    """An image that cannot be used; its text is the reason. It never leaves `ilk.data`."""


@dataclass(frozen=True)
class Header:
    """What an image's first bytes tell: its sides in pixels, and whether it is gray by its own mode."""

    height: int
    width: int
    gray: bool


def load_plugins() -> None:
    """Import Pillow's readers, once, before threads would race for it."""
    pillow.init()


def read_header(picture: Picture, max_pixels: int) -> Header:
    """Look at an image without decoding it.

    Raises:
        UndecodableError: it is no image, no regular file, empty, or has more than `max_pixels` pixels.
    """
    with _named_reasons(), _opened(picture) as image:
        if image.width * image.height > max_pixels:
            raise UndecodableError(
                f"it has {image.width} x {image.height} pixels, more than --max-pixels {max_pixels:,} allows"
            )
        return Header(image.height, image.width, _is_gray(image.mode))


def decode(picture: Picture, size: tuple[int, int]) -> np.ndarray:
    """Decode an image upright, over white where it is transparent, at the given size.

    An image that has this size already keeps its pixels; a larger one is averaged down, a smaller one interpolated.
    The sides are scaled apart, so the aspect ratio is not kept.

    Args:
        picture: what `read_header` accepted.
        size: (height, width) in pixels.
    Returns:
        shape (1, height, width) if gray by its mode, else (3, height, width); uint8.
    Raises:
        UndecodableError: it is truncated or damaged.
    """
    height, width = size
    with _named_reasons(), _opened(picture) as opened:
        if not _is_given(picture) and opened.format == "JPEG":
            # Twice the target: the JPEG decoder's coarse shrinking leaves the fine averaging to the resize below.
            opened.draft(None, (2 * max(size), 2 * max(size)))
        opened.load()
        image = _flat(_upright(opened))
        if image.size != (width, height):
            image = image.resize((width, height), Resampling.BILINEAR)
        pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _is_given(picture: Picture) -> bool:
    """Whether the picture is a Pillow image of the caller, which must stay open and unchanged."""
    return not isinstance(picture, Path | bytes | np.ndarray) and picture is not None


@contextmanager
def _opened(picture: Picture) -> Iterator[Image]:
    if picture is None:
        raise UndecodableError("there is no image in this row")
    if isinstance(picture, np.ndarray):
        yield pillow.fromarray(np.ascontiguousarray(picture[..., 0] if picture.shape[2:] == (1,) else picture))
    elif isinstance(picture, Path | bytes):
        with _stream(picture) as stream, pillow.open(stream, formats=FORMATS) as image:
            yield image
    else:
        yield picture


def _stream(picture: Path | bytes) -> io.BytesIO | io.BufferedReader:
    if isinstance(picture, bytes):
        if not picture:
            raise UndecodableError("it is empty (0 bytes)")
        return io.BytesIO(picture)
    if picture.is_symlink() and not picture.exists():
        raise UndecodableError("it is a link to a file that is not there")
    status = os.stat(picture)
    if stat.S_ISDIR(status.st_mode):
        raise UndecodableError("it is a folder, not an image file")
    if not stat.S_ISREG(status.st_mode):  # opening a named pipe would wait forever
        raise UndecodableError("it is not a regular file")
    if status.st_size == 0:
        raise UndecodableError("it is empty (0 bytes)")
    return picture.open("rb")


@contextmanager
def _named_reasons() -> Iterator[None]:
    """Turn whatever a damaged file makes Pillow raise into one reason in words."""
    try:
        yield
    except UndecodableError:
        raise
    except UnidentifiedImageError as error:
        raise UndecodableError(f"it is not a readable {', '.join(FORMATS[:-1])} or {FORMATS[-1]} image") from error
    except DecompressionBombError as error:
        raise UndecodableError("it has more pixels than the decoder opens (178,956,970)") from error
    except MemoryError as error:
        raise UndecodableError("it does not fit into memory") from error
    except OSError as error:
        reason = f"it cannot be read: {error.strerror}" if error.strerror else f"it is damaged: {error}"
        raise UndecodableError(reason) from error
    except Exception as error:  # damaged files reach nearly every error class inside the decoders
        raise UndecodableError(f"it is damaged: {error or type(error).__name__}") from error


def _is_gray(mode: str) -> bool:
    return mode in ("1", "L", "LA", "La", "I", "F") or mode.startswith("I;16")


def _upright(image: Image) -> Image:
    """Turned as its EXIF orientation asks (read after loading, since TIFF images turn themselves then)."""
    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        turn = turns.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged EXIF beside sound pixels: as if there were none
        return image
    return image if turn is None else image.transpose(turn)


def _flat(image: Image) -> Image:
    """As mode L if it is gray, else RGB; transparent pixels over white."""
    gray = _is_gray(image.mode)
    if image.mode.startswith("I"):
        return pillow.fromarray(_eight_bits(np.asarray(image)))
    if image.mode == "F":
        raise UndecodableError("its pixels are floating-point numbers of unknown range; save it with 8 or 16 bits")
    if image.mode in ("La", "RGBa", "PA") or ("transparency" in image.info and image.mode in ("1", "L", "P", "RGB")):
        image = image.convert("LA" if gray else "RGBA")
    if image.mode in ("LA", "RGBA"):
        opaque = image.convert("L" if gray else "RGB")
        white = pillow.new(opaque.mode, image.size, "white")
        white.paste(opaque, mask=image.getchannel("A"))
        return white
    return image.convert("L" if gray else "RGB")


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    """16-bit gray as 8 bits: 0 stays 0, 65535 becomes 255, rounded."""
    if pixels.min() < 0 or pixels.max() > 65535:
        raise UndecodableError("its pixels are 32-bit numbers of unknown range; save it with 8 or 16 bits")
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
