"""One image from its file or bytes to pixels, or one sentence why not; files are only ever read."""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as pillow
from PIL import UnidentifiedImageError
from PIL.Image import DecompressionBombError, Image, Resampling, Transpose

from ilk.data.color_modes import flat, flat_coarsely, is_flat, is_gray
from ilk.data.decode_memory import LARGE_IMAGE, MemoryBudget, coefficients, memory_needed, most_memory
from ilk.data.file_checks import UndecodableError, require_checksums, require_few_scans
from ilk.data.file_signatures import FORMATS, RAW_SUFFIXES, SIGNATURE_BYTES, recognize
from ilk.data.source_parts import Picture

MOST_PIXELS = 178_956_970
"""What Pillow opens at most."""

_ORIENTATION = 0x0112
_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_SIDEWAYS = (Transpose.TRANSPOSE, Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90)
_decode_memory = MemoryBudget(500_000_000)  # several large images at a time could take all the memory


@dataclass(frozen=True)
class Header:
    """What an image's first bytes tell: its sides in pixels, and whether it is gray by its own mode."""

    height: int
    width: int
    gray: bool


def load_plugins() -> None:
    """Import Pillow's readers, once, before threads would race for it, and let large images leave the memory."""
    pillow.init()
    # Blocks above 32 MB go back to the system at once; of Pillow's usual 16 MB, each thread would keep a heap.
    pillow.core.set_block_size(2**26)


@contextmanager
def quiet() -> Iterator[None]:
    """Without Pillow's warnings: what they say is either a reason for skipping, or of no use to the user.

    The warnings of other packages stay as they are. Filters belong to the whole process, so enter it once around many
    images, not once for each.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def read_header(picture: Picture, max_pixels: int) -> Header:
    """Look at an image without decoding it.

    Raises:
        UndecodableError: it is no image, no regular file, empty, or has more than `max_pixels` pixels.
    """
    with _named_reasons(), _opened(picture, max_pixels) as image:
        return Header(image.height, image.width, is_gray(image.mode))


def decode(picture: Picture, size: tuple[int, int], max_pixels: int = MOST_PIXELS) -> np.ndarray:
    """Decode an image upright, over white where it is transparent, at the given size.

    An image that has this size already keeps its pixels; a larger one is averaged down, a smaller one interpolated.
    The sides are scaled apart, so the aspect ratio is not kept. Of several pages or frames, the first counts; color
    profiles are not applied; 16 bits are rounded to 8 (color: cut to 8).

    Args:
        picture: a file, its bytes, pixels, or a Pillow image.
        size: (height, width) in pixels.
        max_pixels: an image with more is refused by its header, and costs no memory.
    Returns:
        shape (1, height, width) if gray by its mode, else (3, height, width); uint8.
    Raises:
        UndecodableError: it is no image, truncated, damaged, or too large.
    """
    height, width = size
    image = decode_to_fit(picture, lambda *_: (width, height), 2 * max(size), Resampling.BILINEAR, max_pixels)
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def decode_to_fit(
    picture: Picture,
    fit: Callable[[float, float], tuple[int, int]],
    enough: int,
    resampling: Resampling,
    max_pixels: int = MOST_PIXELS,
) -> Image:
    """The image upright, without transparency, in mode L or RGB, at a size that depends on its own.

    Args:
        picture: a file, its bytes, pixels, or a Pillow image.
        fit: from (width, height) of the upright image to the (width, height) wanted.
        enough: pixels; a JPEG may be decoded coarsely as long as both its sides keep this many.
        resampling: the filter that changes the size.
        max_pixels: an image with more is refused by its header.

    Raises:
        UndecodableError: it is no image, truncated, damaged, or too large.
    """
    with _named_reasons(), _opened(picture, max_pixels) as opened:
        box: tuple[float, float, float, float] | None = None
        need = coefficients(opened)
        if not _is_given(picture) and opened.format in ("JPEG", "MPO"):
            # The JPEG decoder's coarse shrinking is fast; the last row and column of what it gives may lie half outside
            # of the picture, which the box says.
            drafted = opened.draft(None, (enough, enough))
            box = drafted and drafted[1]
        need += memory_needed(opened)
        if not _is_given(picture):
            _require_little_memory(opened, need, max_pixels)
        with _decode_memory.taken(need):
            opened.load()
            turn, image = _turn(opened), opened
            if image.width * image.height > LARGE_IMAGE and not is_flat(image):
                image, box = flat_coarsely(image, enough)
            else:
                image = flat(image)
            width, height = box[2:] if box else map(float, image.size)
            wanted = fit(height, width)[::-1] if turn in _SIDEWAYS else fit(width, height)
            if (width, height) != wanted or image.size != wanted:
                image = image.resize(wanted, resampling, box)
            return image if turn is None else image.transpose(turn)


def _is_given(picture: Picture) -> bool:
    """Whether the picture is a Pillow image of the caller, which must stay open and unchanged."""
    return not isinstance(picture, Path | bytes | np.ndarray) and picture is not None


@contextmanager
def _opened(picture: Picture, max_pixels: int) -> Iterator[Image]:
    if picture is None:
        raise UndecodableError("there is no image in this row")
    if isinstance(picture, np.ndarray):
        image = pillow.fromarray(np.ascontiguousarray(picture[..., 0] if picture.shape[2:] == (1,) else picture))
        yield _of_allowed_size(image, max_pixels)
    elif isinstance(picture, Path | bytes):
        with _stream(picture) as stream, _recognized(stream, max_pixels) as image:
            if image.format == "PNG":
                require_checksums(stream)
            elif image.format in ("JPEG", "MPO"):
                require_few_scans(stream, image)
            yield _of_allowed_size(image, max_pixels)
    else:
        yield _of_allowed_size(picture, max_pixels)


def _recognized(stream: io.BytesIO | io.BufferedReader, max_pixels: int) -> Image:
    """The image in an open file, not decoded yet."""
    try:
        return pillow.open(stream, formats=FORMATS)
    except UnidentifiedImageError as error:
        stream.seek(0)
        raise UndecodableError(recognize(stream.read(SIGNATURE_BYTES))) from error
    except DecompressionBombError as error:
        most = (
            f"`max_pixels` {max_pixels:,} allows"
            if max_pixels < MOST_PIXELS
            else f"the {MOST_PIXELS:,} that can be decoded"
        )
        raise UndecodableError(f"it has more pixels than {most}") from error


def _of_allowed_size(image: Image, max_pixels: int) -> Image:
    if image.width * image.height > max_pixels:
        raise UndecodableError(
            f"it has {image.width} x {image.height} pixels, more than `max_pixels` {max_pixels:,} allows"
        )
    return image


def _require_little_memory(image: Image, need: int, max_pixels: int) -> None:
    """Refuse an image whose form takes many times the memory of its pixels: 38 bytes of WebP can fill 2 GB."""
    if need > most_memory(max_pixels):
        kind = "progressive JPEG" if image.format in ("JPEG", "MPO") else image.format
        most, sides = most_memory(max_pixels), f"{image.width} x {image.height} pixels"
        raise UndecodableError(
            f"reading it takes {need / 1e9:.1f} GB of memory ({kind}, {sides}), more than the {most / 1e9:.1f} GB that "
            f"go with `max_pixels` {max_pixels:,}; save it smaller or as PNG"
        )


def _stream(picture: Path | bytes) -> io.BytesIO | io.BufferedReader:
    if isinstance(picture, bytes):
        if not picture:
            raise UndecodableError("it is empty (0 bytes)")
        return io.BytesIO(picture)
    try:
        status = os.stat(picture)
    except FileNotFoundError:
        if os.path.islink(picture):
            raise UndecodableError("it is a link to a file that is not there") from None
        raise
    if stat.S_ISDIR(status.st_mode):
        raise UndecodableError("it is a folder, not an image file")
    if not stat.S_ISREG(status.st_mode):  # opening a named pipe would wait forever
        raise UndecodableError("it is not a regular file")
    if status.st_size == 0:
        raise UndecodableError("it is empty (0 bytes)")
    if picture.suffix.lower() in RAW_SUFFIXES:
        raise UndecodableError("it is a camera's raw file, which Ilk does not read; convert it to JPEG")
    return open(picture, "rb")


@contextmanager
def _named_reasons() -> Iterator[None]:
    """Turn whatever a damaged file makes Pillow raise into one reason in words."""
    try:
        yield
    except UndecodableError:
        raise
    except MemoryError as error:
        raise UndecodableError("it does not fit into memory") from error
    except OSError as error:
        raise UndecodableError(_reason(error)) from error
    except Exception as error:  # damaged files reach nearly every error class inside the decoders
        swollen = "too large" in str(error)
        words = "its text or color profile unpacks to more than 1 MB" if swollen else f"it is damaged: {error!r}"
        raise UndecodableError(words) from error


def _reason(error: OSError) -> str:
    if error.strerror:
        return f"it cannot be read: {error.strerror}"
    if "truncated" in str(error).lower():
        return "it is truncated: the file ends before the picture does"
    return f"it is cut short or damaged: {error}"


def _turn(image: Image) -> Transpose | None:
    """The turn that its EXIF orientation requires (read after loading, since TIFF images turn themselves then)."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # damaged EXIF beside sound pixels: as if there were none
        return None
