"""Many images to one array: first every header, which settles size and channels, then every image once."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import compress, islice
from typing import TypeVar

import numpy as np

from ilk.data.dataset import Dataset, Skipped
from ilk.data.decoding import Header, UndecodableError, decode, load_plugins, read_header
from ilk.data.labeling import number_labels, order_classes
from ilk.data.listing import Picture, Rows
from ilk.errors import ChannelsError, ResourceError, UsageError

Progress = Callable[[int, int], None]
T = TypeVar("T")
R = TypeVar("R")

_SMALL_SIDE, _SIDE = 28, 32
_BLOCK, _SLICE = 1024, 32
_LARGE = 16_000_000


@dataclass(frozen=True)
class Survey:
    """The headers of one part, row by row: the longer side in pixels (0: not usable), gray, large; reasons by row."""

    longest: np.ndarray
    gray: np.ndarray
    large: np.ndarray
    reasons: dict[int, str] = field(default_factory=dict)


def assemble(
    rows: Sequence[Rows],
    *,
    source: str,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    max_pixels: int = 100_000_000,
    on_progress: Progress | None = None,
) -> Dataset:
    """Decode all rows into one dataset, in their order, leaving out with a reason what cannot be decoded.

    Encoded images are walked twice, headers first; of their bytes, only a block is in memory at a time. An array that
    has the final size already is used as it is, without a copy.

    Args:
        rows: the parts to join.
        source: what the user named, for messages.
        size: pixels, one number for a square or (height, width); None: 28 if the median longer side is at most 28
            pixels, else 32.
        channels: 1 or 3; None: 1 if every image is gray by its mode, else 3.
        max_pixels: images with more are skipped by their header.
        on_progress: called with (images done, images in all).

    Raises:
        UsageError: a size or a number of channels that cannot be.
        ChannelsError: one channel is asked for, and there is a color image.
        ResourceError: the images do not fit into memory.
    """
    with _quiet(), ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        load_plugins()
        surveys = [_survey(part, max_pixels, pool) for part in rows]
        sides = _sides(size, np.concatenate([survey.longest for survey in surveys]))
        depth = _depth(channels, rows, surveys, source)
        images, skipped, kept = _fill(rows, surveys, (depth, *sides), pool, on_progress)
    gray = np.concatenate([survey.gray for survey in surveys])[kept]
    if channels is None and depth == 3 and len(gray) and gray.all():  # the only color images did not decode
        images = np.ascontiguousarray(images[:, :1])
    labels = list(compress([label for part in rows for label in part.labels], kept))
    classes = order_classes(labels, [name for part in rows for name in part.order])
    return Dataset(
        images=images,
        names=tuple(compress([name for part in rows for name in part.names], kept)),
        targets=number_labels(labels, classes),
        classes=classes,
        source=source,
        skipped=tuple(skipped),
        gray=gray,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Pillow's warnings: what they say is either a reason for skipping, or of no use to the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _survey(rows: Rows, max_pixels: int, pool: ThreadPoolExecutor) -> Survey:
    n = len(rows.names)
    if isinstance(rows.pictures, np.ndarray):
        depth, height, width = rows.pictures.shape[1:]
        return Survey(np.full(n, max(height, width)), np.full(n, depth == 1), np.zeros(n, dtype=bool))
    survey = Survey(np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))

    def look(picture: Picture) -> Header | str:
        try:
            return read_header(picture, max_pixels)
        except UndecodableError as error:
            return str(error)

    for row, answer in enumerate(_in_order(look, rows.pictures, pool)):
        if isinstance(answer, str):
            survey.reasons[row] = answer
        else:
            survey.longest[row] = max(answer.height, answer.width)
            survey.gray[row] = answer.gray
            survey.large[row] = answer.height * answer.width > _LARGE
    return survey


def _sides(size: int | tuple[int, int] | None, longest: np.ndarray) -> tuple[int, int]:
    """The (height, width) that was asked for, or the one that suits the median of the longer sides."""
    if size is None:
        usable = longest[longest > 0]
        side = _SMALL_SIDE if len(usable) and np.median(usable) <= _SMALL_SIDE else _SIDE
        return side, side
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 1:
        raise UsageError(f"size {size} cannot be. Allowed: a whole number of pixels from 1, or (height, width).")
    return height, width


def _depth(channels: int | None, rows: Sequence[Rows], surveys: Sequence[Survey], source: str) -> int:
    """The number of channels, 1 or 3."""
    if channels not in (None, 1, 3):
        raise UsageError(f"channels {channels} cannot be. Allowed: 1 (gray) or 3 (color).")
    if channels == 3:
        return 3
    for part, survey in zip(rows, surveys, strict=True):
        colored = np.flatnonzero(~survey.gray & (survey.longest > 0))
        if len(colored) and channels == 1:
            raise ChannelsError(
                f"{source}: {part.names[colored[0]]} is a color image ({len(colored)} are), and gray ones are needed. "
                "Convert them to gray, or fit a model on color images."
            )
        if len(colored):
            return 3
    return 1


def _fill(
    rows: Sequence[Rows],
    surveys: Sequence[Survey],
    shape: tuple[int, int, int],
    pool: ThreadPoolExecutor,
    on_progress: Progress | None,
) -> tuple[np.ndarray, list[Skipped], np.ndarray]:
    """Every usable image at its place: the images, what was skipped, and True for each row that is among the images."""
    total = sum(len(part.names) for part in rows)
    kept, skipped = np.zeros(total, dtype=bool), []
    images = _sole_array(rows, shape)
    if images is None:
        images = _room((sum(int((survey.longest > 0).sum()) for survey in surveys), *shape))
    seen = used = 0
    for part, survey in zip(rows, surveys, strict=True):
        pixels = part.pictures
        if isinstance(pixels, np.ndarray) and pixels.shape[2:] == shape[1:]:
            if pixels is not images:
                images[used : used + len(pixels)] = pixels
            kept[seen : seen + len(pixels)] = True
            used += len(pixels)
        else:
            reasons = dict(survey.reasons)
            for row, answer in _decoded(pixels, survey, shape[1:], pool):
                if isinstance(answer, str):
                    reasons[row] = answer
                else:
                    images[used] = answer
                    kept[seen + row] = True
                    used += 1
                if on_progress and (seen + row) % 256 == 0:
                    on_progress(seen + row, total)
            skipped += [Skipped(part.names[row], reasons[row]) for row in sorted(reasons)]
        seen += len(part.names)
    if on_progress:
        on_progress(total, total)
    return images[:used], skipped, kept


def _sole_array(rows: Sequence[Rows], shape: tuple[int, int, int]) -> np.ndarray | None:
    """The only part's array if it can be used as it is."""
    pixels = rows[0].pictures
    usable = len(rows) == 1 and isinstance(pixels, np.ndarray) and pixels.shape[1:] == shape
    return pixels if usable and isinstance(pixels, np.ndarray) else None


def _room(shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.empty(shape, dtype=np.uint8)
    except MemoryError as error:
        gigabytes = np.prod(shape, dtype=float) / 1e9
        raise ResourceError(
            f"{shape[0]:,} images of {shape[3]} x {shape[2]} pixels need {gigabytes:.1f} GB of memory. "
            "Choose a smaller --size."
        ) from error


def _decoded(
    pictures: Iterable[Picture] | np.ndarray, survey: Survey, size: tuple[int, int], pool: ThreadPoolExecutor
) -> Iterator[tuple[int, np.ndarray | str]]:
    """(row, pixels or reason) for every row whose header is sound, in order."""
    one_large_image = threading.Lock()  # several at a time could take all the memory

    def work(item: tuple[int, Picture]) -> tuple[int, np.ndarray | str]:
        row, picture = item
        try:
            with one_large_image if survey.large[row] else nullcontext():
                return row, decode(picture, size)
        except UndecodableError as error:
            return row, str(error)

    if isinstance(pictures, np.ndarray):
        pictures = (image.transpose(1, 2, 0) for image in pictures)
    return _in_order(work, ((row, p) for row, p in enumerate(pictures) if row not in survey.reasons), pool)


def _in_order(function: Callable[[T], R], items: Iterable[T], pool: ThreadPoolExecutor) -> Iterator[R]:
    """Map with threads, in the order of the items, holding one block of them at a time."""

    def several(part: list[T]) -> list[R]:
        return [function(item) for item in part]

    remaining = iter(items)
    while block := list(islice(remaining, _BLOCK)):
        for answers in pool.map(several, [block[i : i + _SLICE] for i in range(0, len(block), _SLICE)]):
            yield from answers
