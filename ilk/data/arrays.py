"""A dataset of Python objects: paths, Pillow images, uint8 arrays and tensors."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL.Image import Image

from ilk.data.dataset import Dataset
from ilk.data.labeling import label_text
from ilk.data.source_parts import Picture, Rows
from ilk.data.stack import Progress, assemble
from ilk.errors import NoImagesError, ShapeError, UsageError

_ALLOWED = "Allowed: uint8 arrays (n, h, w) or (n, h, w, 1 or 3), uint8 tensors (n, h, w) or (n, 1 or 3, h, w)"


def from_arrays(
    images: Iterable[Any],
    y: Iterable[Any] | None = None,
    *,
    names: Sequence[str] | None = None,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    max_pixels: int = 100_000_000,
    on_progress: Progress | None = None,
) -> Dataset:
    """Make a dataset of images that are in Python, with labels where they are known.

    Args:
        images: uint8, 0 to 255: an array (n, h, w) or (n, h, w, 1 or 3), a tensor (n, h, w) or (n, 1 or 3, h, w);
            or n paths, Pillow images, single arrays and tensors, also mixed.
        y: n classes as text or whole numbers; −1, None, NaN and "" mean that there is no label. The text "-1" is a
            class. None: no labels at all.
        names: n unique names; None: the path, or `#row`.
        size: pixels, one number for a square or (height, width); None: 28 if the median longer side is at most 28
            pixels, else 32.
        channels: 1 or 3; None: 1 if every image is gray, else 3.
        max_pixels: images with more are skipped.
        on_progress: called with (images done, images in all).

    Raises:
        ShapeError: an array of another shape or type.
        UsageError: names or labels that do not fit the images.
        NoImagesError: there are no images.
    """
    pictures = _pictures(images)
    n = len(pictures)
    if n == 0:
        raise NoImagesError("There are no images: the array or list is empty.")
    labels = _labels(y, n)
    rows = Rows(_names(names, pictures), labels, pictures)
    return assemble(
        [rows], source="arrays", size=size, channels=channels, max_pixels=max_pixels, on_progress=on_progress
    )


def _pictures(images: Any) -> np.ndarray | list[Picture]:
    """One array (n, channels, h, w) for a uniform block, else a list of single pictures."""
    if isinstance(images, str | os.PathLike):
        raise UsageError(f"{os.fspath(images)!r} is a single path. Give a list of paths, or use load() for a folder.")
    if _is_tensor(images):
        block = images.detach().cpu().numpy()
        block = block[:, None] if block.ndim == 3 else block
        return _checked(block, images)
    if isinstance(images, np.ndarray) and images.dtype != object:
        block = images[:, None] if images.ndim == 3 else np.moveaxis(images, -1, 1) if images.ndim == 4 else images
        return _checked(block, images)
    return [_picture(image, row) for row, image in enumerate(images)]


def _checked(block: np.ndarray, given: Any) -> np.ndarray:
    if block.dtype != np.uint8 or block.ndim != 4 or block.shape[1] not in (1, 3) or 0 in block.shape[2:]:
        raise ShapeError(f"images: {given.dtype} of shape {tuple(given.shape)} cannot be used. {_ALLOWED}.")
    # A copy of its own: the dataset must not change when the caller's array does.
    return np.array(block, order="C")


def _picture(image: Any, row: int) -> Picture:
    if isinstance(image, Image):
        return image
    if isinstance(image, str | os.PathLike):
        return Path(image)
    if _is_tensor(image):
        image = image.detach().cpu().numpy()
        image = image.transpose(1, 2, 0) if image.ndim == 3 else image
    if isinstance(image, np.ndarray):
        shape = image.shape
        sound = len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3))
        if image.dtype == np.uint8 and sound and 0 not in shape:
            return image
        raise ShapeError(f"images[{row}]: {image.dtype} of shape {shape} cannot be used. {_ALLOWED}, or one of these.")
    raise UsageError(
        f"images[{row}] is of type {type(image).__name__}. Allowed: a path, a Pillow image, a uint8 array or tensor."
    )


def _is_tensor(value: Any) -> bool:
    # A caller with a tensor has imported torch already; others need not wait for it.
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _labels(y: Any, n: int) -> list[str | None]:
    if y is None:
        return [None] * n
    values = y.tolist() if isinstance(y, np.ndarray) or _is_tensor(y) else list(y)
    if len(values) != n:
        raise UsageError(f"y has {len(values)} labels for {n} images. Give one for each; None where it is unknown.")
    texts = [label_text(value, f"y[{row}]") for row, value in enumerate(values)]
    return [None if t == "-1" and not isinstance(v, str) else t for t, v in zip(texts, values, strict=True)]


def _names(names: Sequence[str] | None, pictures: np.ndarray | list[Picture]) -> list[str]:
    if names is not None:
        if len(names) != len(pictures) or len(set(names)) != len(names):
            raise UsageError(f"{len(names)} names, {len(set(names))} of them different, for {len(pictures)} images.")
        return [str(name) for name in names]
    if isinstance(pictures, np.ndarray):
        return [f"#{row}" for row in range(len(pictures))]
    paths = [picture.as_posix() if isinstance(picture, Path) else "" for picture in pictures]
    times = Counter(paths)
    return [path if path and times[path] == 1 else f"{path}#{row}" for row, path in enumerate(paths)]
