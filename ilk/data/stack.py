"""Many images to one array: the size is chosen by a sample of the headers, then every image is read once."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import compress, islice
from typing import TypeVar

import numpy as np

from ilk.data.dataset import Dataset, Skipped
from ilk.data.decoding import decode, load_plugins, quiet, read_header
from ilk.data.file_checks import UndecodableError
from ilk.data.labeling import number_labels, order_classes
from ilk.data.source_parts import Picture, Rows
from ilk.errors import ChannelsError, ResourceError, UsageError

Progress = Callable[[int, int], None]
T = TypeVar("T")
R = TypeVar("R")

_SMALL_SIDE, _DEFAULT_SIDE = 28, 32
_SAMPLE = 1000
_SLICE_SIZE, _SLICES_AHEAD = 8, 4


@dataclass(frozen=True)
class _Request:
    """The settings of `assemble`, with the size chosen."""

    source: str
    size: tuple[int, int]
    channels: int | None
    max_pixels: int
    pixels: bool


def assemble(
    rows: Sequence[Rows],
    *,
    source: str,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    max_pixels: int = 100_000_000,
    pixels: bool = True,
    on_progress: Progress | None = None,
) -> Dataset:
    """Decode all rows into one dataset, in their order, leaving out with a reason what cannot be decoded.

    Each encoded image is read once (a sample of them twice, for the size); of their bytes, only a few images are in
    memory at a time. An array that has the final size already is used as it is, without a copy.

    Args:
        rows: the parts to join.
        source: what the user named, for messages.
        size: pixels, one number for a square or (height, width); None: 28 if the median longer side is at most 28
            pixels, else 32; of more than 1,000 images, the median of a sample.
        channels: 1 or 3; None: 1 if every image is gray by its mode, else 3.
        max_pixels: images with more are skipped by their header.
        pixels: False decodes each image as well, but keeps none: `images` has its shape, is zero and takes no memory.
        on_progress: called with (images done, images in all).

    Raises:
        UsageError: a size or a number of channels that cannot be.
        ChannelsError: one channel is requested, and there is a color image.
        ResourceError: the images do not fit into memory.
    """
    if channels not in (None, 1, 3):
        raise UsageError(f"channels {channels} cannot be. Allowed: 1 (gray) or 3 (color).")
    with quiet(), ThreadPoolExecutor(_processors()) as pool:
        load_plugins()
        sides = _sides(size, rows, max_pixels, pool)
        request = _Request(source, sides, channels, max_pixels, pixels)
        images, gray, skipped, kept = _sole_array(rows, request) or _fill(rows, request, pool, on_progress)
    if on_progress:
        on_progress(len(kept), len(kept))
    given = [label for part in rows for label in part.labels]
    labels = list(compress(given, kept))
    classes = order_classes(labels, [name for part in rows for name in part.order])
    return Dataset(
        images=images,
        names=tuple(compress([name for part in rows for name in part.names], kept)),
        targets=number_labels(labels, classes),
        classes=classes,
        source=source,
        skipped=tuple(skipped),
        gray=gray,
        notes=_lost_labels_note(given, labels),
    )


def _lost_labels_note(given: Sequence[str | None], kept: Sequence[str | None]) -> tuple[str, ...]:
    """A sentence on the labels of images that were skipped, and on the classes that went with them; or nothing."""
    lost = sum(label is not None for label in given) - sum(label is not None for label in kept)
    if not lost:
        return ()
    gone = sorted({label for label in given if label is not None}.difference(kept))
    classes = f" Classes that have no other label: {', '.join(gone[:5])}{', …' * (len(gone) > 5)}." if gone else ""
    return (f"Labels of skipped images, which are of no use: {lost:,}.{classes}",)


def _processors() -> int:
    """How many threads may decode at a time; more than 8 hardly help."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, allowed)


def _sides(
    size: int | tuple[int, int] | None, rows: Sequence[Rows], max_pixels: int, pool: ThreadPoolExecutor
) -> tuple[int, int]:
    """The requested (height, width), or the one that suits the median of the longer sides."""
    if size is None:
        longest = _longest_sides(rows, max_pixels, pool)
        side = _SMALL_SIDE if longest and np.median(longest) <= _SMALL_SIDE else _DEFAULT_SIDE
        return side, side
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 1:
        raise UsageError(f"size {size} cannot be. Allowed: a whole number of pixels from 1, or (height, width).")
    return height, width


def _longest_sides(rows: Sequence[Rows], max_pixels: int, pool: ThreadPoolExecutor) -> list[int]:
    """The longer side, in pixels, of a sample of the images, every part by its share."""

    def look(picture: Picture) -> int | None:
        try:
            header = read_header(picture, max_pixels)
        except UndecodableError:
            return None
        return max(header.height, header.width)

    step = max(1, -(-sum(len(part.names) for part in rows) // _SAMPLE))
    longest: list[int | None] = []
    for part in rows:
        share = -(-len(part.names) // step)
        if isinstance(part.pictures, np.ndarray):
            longest += [max(part.pictures.shape[2:])] * share
        else:
            # Only a list can be picked from; what is read as it comes gives its first images.
            sample = part.pictures[::step] if isinstance(part.pictures, list) else islice(part.pictures, share)
            longest += _in_order(look, sample, pool)
    return [side for side in longest if side is not None]


def _fill(
    rows: Sequence[Rows], request: _Request, pool: ThreadPoolExecutor, on_progress: Progress | None
) -> tuple[np.ndarray, np.ndarray, list[Skipped], np.ndarray]:
    """Every usable image at its place: the images, which are gray, what was skipped, and True for each row kept."""
    total = sum(len(part.names) for part in rows)
    kept, gray, skipped = np.zeros(total, dtype=bool), np.zeros(total, dtype=bool), []
    images = _allocated((total, request.channels or 1, *request.size), request.pixels)
    used = 0
    for row, (name, answer) in enumerate(_answers(rows, request, pool)):
        if isinstance(answer, str):
            skipped.append(Skipped(name, answer))
        else:
            if len(answer) > images.shape[1]:
                images = _in_color(images, used, name, request)
            if request.pixels:
                images[used] = answer
            kept[row], gray[used] = True, len(answer) == 1
            used += 1
        if on_progress and row % _SLICE_SIZE == 0:
            on_progress(row, total)
    return images[:used], gray[:used], skipped, kept


def _in_color(images: np.ndarray, used: int, name: str, request: _Request) -> np.ndarray:
    """The same array with three channels, once the first color image has come."""
    if request.channels == 1:
        raise ChannelsError(
            f"{request.source}: {name} is a color image, and gray ones are needed. "
            "Convert it to gray, or fit a model on color images."
        )
    wider = _allocated((len(images), 3, *images.shape[2:]), request.pixels)
    if request.pixels:
        wider[:used] = images[:used]
    return wider


def _sole_array(
    rows: Sequence[Rows], request: _Request
) -> tuple[np.ndarray, np.ndarray, list[Skipped], np.ndarray] | None:
    """The only part's array if it can be used as it is, in the words of `_fill`."""
    images = rows[0].pictures if len(rows) == 1 else None
    if not isinstance(images, np.ndarray) or images.shape[2:] != request.size:
        return None
    if request.channels not in (None, images.shape[1]):
        return None
    n = len(images)
    return images, np.full(n, images.shape[1] == 1), [], np.ones(n, dtype=bool)


def _allocated(shape: tuple[int, ...], pixels: bool) -> np.ndarray:
    """An array to fill; where no pixels are kept, one that only looks like it."""
    if not pixels:
        return np.broadcast_to(np.uint8(0), shape)
    try:
        return np.empty(shape, dtype=np.uint8)
    except MemoryError as error:
        gigabytes = np.prod(shape, dtype=float) / 1e9
        raise ResourceError(
            f"{shape[0]:,} images of {shape[3]} x {shape[2]} pixels need {gigabytes:.1f} GB of memory. "
            "Choose a smaller `size`."
        ) from error


def _answers(
    rows: Sequence[Rows], request: _Request, pool: ThreadPoolExecutor
) -> Iterator[tuple[str, np.ndarray | str]]:
    """(name, pixels or reason) for every row, in order."""

    def work(picture: Picture) -> np.ndarray | str:
        try:
            return decode(picture, request.size, request.max_pixels)
        except UndecodableError as error:
            return str(error)

    for part in rows:
        pictures: Iterable[Picture] = part.pictures
        if not isinstance(part.pictures, np.ndarray):
            answers: Iterable[np.ndarray | str] = _in_order(work, pictures, pool)
        elif part.pictures.shape[2:] == request.size:
            answers = part.pictures
        else:
            answers = _in_order(work, (image.transpose(1, 2, 0) for image in part.pictures), pool)
        yield from zip(part.names, answers, strict=True)


def _in_order(function: Callable[[T], R], items: Iterable[T], pool: ThreadPoolExecutor) -> Iterator[R]:
    """Map with threads, in the order of the items, with only a few of them under way."""

    def several(part: list[T]) -> list[R]:
        return [function(item) for item in part]

    remaining = iter(items)
    waiting: deque[Future[list[R]]] = deque()
    try:
        while slice_ := list(islice(remaining, _SLICE_SIZE)):
            waiting.append(pool.submit(several, slice_))
            if len(waiting) >= _SLICES_AHEAD * _processors():
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
