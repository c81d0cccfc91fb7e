"""Images of one size that are taken by position, wherever they lie: in memory, on a device, or in a file."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor

from ilk.data.dataset import Dataset
from ilk.errors import DataError, ShapeError
from ilk.shapes import Pixels

_LONGEST_HEADER = 256
# As numpy writes it for uint8 and four axes. numpy's own reader evaluates the header's text.
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '\|u1', 'fortran_order': (False|True), "
    rb"'shape': \((\d{1,12}), (\d{1,12}), (\d{1,12}), (\d{1,12})\), \} *\n",
    re.DOTALL,
)

Positions = Int64[Tensor, "batch"]
Taken = UInt8[Tensor, "batch channels height width"]


@runtime_checkable
class ImageSource(Protocol):
    """What training and embedding need to know of images: how many, of which shape, and any few of them."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(images, channels, height, width)."""

    def __len__(self) -> int:
        """How many images there are."""

    def take(self, positions: Positions) -> Taken:
        """The images at these positions, in their order, 0 to 255; a copy.

        Args:
            positions: shape (batch,), from 0, on any device.
        """


@dataclass(frozen=True, eq=False)
class ArrayImages:
    """Images of a NumPy array, in memory or memory-mapped; what is taken comes to the CPU, the rest stays untouched.

    Args:
        array: shape (images, channels, height, width), uint8.
    Raises:
        ShapeError: another type or number of axes.
    """

    array: np.ndarray

    def __post_init__(self) -> None:
        _require_images(self.array)

    @property
    def shape(self) -> tuple[int, ...]:
        """(images, channels, height, width)."""
        return self.array.shape

    def __len__(self) -> int:
        return len(self.array)

    def take(self, positions: Positions) -> Taken:
        """The images at these positions, on the CPU."""
        return torch.from_numpy(self.array[positions.cpu().numpy()])


@dataclass(frozen=True, eq=False)
class DeviceImages:
    """Images that lie on one device, all of them, for training that takes the same ones many times.

    Args:
        tensor: shape (images, channels, height, width), uint8.
    Raises:
        ShapeError: another type or number of axes.
    """

    tensor: Tensor

    def __post_init__(self) -> None:
        _require_images(self.tensor)

    @property
    def shape(self) -> tuple[int, ...]:
        """(images, channels, height, width)."""
        return tuple(self.tensor.shape)

    def __len__(self) -> int:
        return len(self.tensor)

    def take(self, positions: Positions) -> Taken:
        """The images at these positions, on the device of all."""
        return self.tensor[positions.to(self.tensor.device)]


def source_of(images: Dataset | Pixels | ImageSource, device: torch.device | None = None) -> ImageSource:
    """Images as a source; nothing is copied unless a device is given.

    Args:
        images: a dataset, an array (images, channels, height, width) of uint8, or a source, which is given back.
        device: where to put all images of a dataset or an array; None leaves them where they are.
    Raises:
        ShapeError: an array of another type or number of axes.
    """
    if not isinstance(images, Dataset | np.ndarray):
        return images
    source = ArrayImages(images.images if isinstance(images, Dataset) else images)
    if device is None:
        return source
    # torch may not share memory that it could not write.
    array = source.array if source.array.flags.writeable else source.array.copy()
    return DeviceImages(torch.from_numpy(array).to(device))


def batches(source: ImageSource, size: int) -> Iterator[Taken]:
    """All images in their order, so many at a time; the last batch holds the rest."""
    for start in range(0, len(source), size):
        yield source.take(torch.arange(start, min(start + size, len(source))))


def open_images(path: Path) -> ArrayImages:
    """Images in a .npy file, as `numpy.save` writes it, mapped into memory: only what is taken is read.

    Args:
        path: an array of shape (images, channels, height, width), uint8; it is never written to.
    Raises:
        DataError: the file cannot be read, holds something else, or is cut short.
    """
    try:
        with path.open("rb") as file:
            header, size = file.read(_LONGEST_HEADER), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}. Allow reading it, or copy it.") from error
    match = _HEADER.match(header)
    if match is None:
        raise DataError(
            f"{path} is no .npy file of images. Save uint8 of shape (images, channels, height, width) by numpy.save."
        )
    shape = tuple(map(int, match.groups()[1:]))
    if math.prod(shape) == 0 or match.end() + math.prod(shape) != size:
        raise DataError(
            f"{path} has {size - match.end():,} bytes of images, but its header promises {shape}. Copy it again."
        )
    order: Literal["F", "C"] = "F" if match[1] == b"True" else "C"
    return ArrayImages(np.memmap(path, np.uint8, mode="r", offset=match.end(), shape=shape, order=order))


def _require_images(images: np.ndarray | Tensor) -> None:
    if str(images.dtype).removeprefix("torch.") != "uint8" or images.ndim != 4:
        raise ShapeError(
            f"Images must be uint8 of shape (images, channels, height, width), not {images.dtype} of shape "
            f"{tuple(images.shape)}."
        )
