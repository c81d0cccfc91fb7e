"""A network, a classifier and images small enough to follow by hand."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ilk.neighbors import NeighborClassifier
from ilk.networks import NeighborMNIST, embed


class Corners(nn.Module):
    """The mean of the left and of the right half, each by a unit of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1, bias=False)
        self.conv.weight.data[:] = torch.tensor([1.0, -1.0])[:, None, None, None]
        self.relu = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        return self.relu(self.conv(images)).mean((2, 3))


TWO = NeighborClassifier(np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32), np.array([0, 1]), 2)


def spot(row: int = 3, column: int = 5) -> np.ndarray:
    image = np.full((1, 10, 12), 128, dtype=np.uint8)
    image[0, row : row + 2, column : column + 2] = 255
    return image


def probability(network: nn.Module, image: np.ndarray, label: int) -> float:
    return float(TWO.predict(embed(network, image[None])).probabilities[0, label])


def pictures(n: int, side: int = 16, seed: int = 0) -> np.ndarray:
    """Gray images of noise."""
    return np.random.default_rng(seed).integers(0, 256, (n, 1, side, side)).astype(np.uint8)


def network(seed: int = 0) -> NeighborMNIST:
    """An untrained network for gray images, in evaluation mode."""
    torch.manual_seed(seed)
    return NeighborMNIST(1).eval()
