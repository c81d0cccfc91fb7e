"""Images by their positions, wherever they lie."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor


@runtime_checkable
class ImageSource(Protocol):
    """Images of one shape; `take` gives some of them as a tensor."""

    shape: tuple[int, int, int, int]

    def __len__(self) -> int: ...

    def take(self, positions: Tensor) -> Tensor:
        """The images at these positions, in this order; uint8, shape (positions, channels, height, width)."""


class ImagesInMemory:
    """Images in one array or tensor, on the device on which they are wanted."""

    def __init__(self, images: np.ndarray | Tensor) -> None:
        self.images = torch.from_numpy(images) if isinstance(images, np.ndarray) else images
        self.shape = tuple(self.images.shape)

    def __len__(self) -> int:
        return len(self.images)

    def take(self, positions: Tensor) -> Tensor:
        """The images at these positions."""
        return self.images[positions.to(self.images.device)]
