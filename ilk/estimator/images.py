"""X of every form as a dataset with one image per row, or as some of its rows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL.Image import Image
from torch import Tensor

from ilk.data import Dataset, from_arrays
from ilk.errors import DataError, UsageError
from ilk.shapes import Targets

NAMED = 5
"""So many images that cannot be used are named in a message."""


def images_of(
    X: Any, *, size: int | tuple[int, int] | None, max_pixels: int, targets: Targets | None = None
) -> Dataset:
    """All images in memory; one that cannot be used is an error, because each needs its answer.

    Args:
        X: as for `countable()`; what it holds, as for `ilk.data.from_arrays`.
        size: as there.
        max_pixels: as there.
        targets: shape (n,), class numbers from 0, −1 where unlabeled.
    Raises:
        DataError: images that cannot be used; the first are named.
        ShapeError, UsageError, NoImagesError: as for `from_arrays`.
    """
    dataset = from_arrays(countable(X), targets, size=size, max_pixels=max_pixels)
    if dataset.skipped:
        named = "; ".join(f"{skipped.file} ({skipped.reason})" for skipped in dataset.skipped[:NAMED])
        raise DataError(
            f"{len(dataset.skipped):,} of {dataset.found:,} images in X cannot be used: {named}"
            f"{'; …' if len(dataset.skipped) > NAMED else ''}. Repair them, or leave them out of X and y."
        )
    return replace(dataset, source="X")


def countable(X: Any) -> np.ndarray | Tensor | list[Any]:
    """X as an array, a tensor or a list, so that it has a length and rows.

    Args:
        X: one of these, or anything that can be iterated or turned into an array, such as a column of paths.
    Raises:
        UsageError: a single path or image, or nothing of this kind.
    """
    if isinstance(X, str | bytes | os.PathLike | Image) or not (hasattr(X, "__iter__") or hasattr(X, "__array__")):
        raise UsageError(f"X is a single {type(X).__name__}. Give a list of images, even for one: [image].")
    if hasattr(X, "__array__") and not isinstance(X, Tensor):
        X = np.asarray(X)
        return X.tolist() if X.dtype.kind in "UT" else X  # texts are paths
    return X if isinstance(X, Tensor) else list(X)


def rows_of(X: np.ndarray | Tensor | list[Any], rows: Sequence[int]) -> Any:
    """These images of a `countable()` X, in the same form."""
    return X[rows] if isinstance(X, np.ndarray | Tensor) else [X[row] for row in rows]
