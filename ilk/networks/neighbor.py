"""The networks of the neighbor-embedding paper (table 3) and the two-dimensional one of its figure 1."""

from __future__ import annotations

from torch import nn

from ilk.networks.pooling import max_pool
from ilk.shapes import Embeddings, Images


def conv_block(maps_in: int, maps_out: int, kernel: int, padding: int) -> list[nn.Module]:
    """Convolution, then ReLU, then batch-norm: the paper's order."""
    return [nn.Conv2d(maps_in, maps_out, kernel, padding=padding), nn.ReLU(), nn.BatchNorm2d(maps_out)]


def pooled_block(
    maps_in: int, maps_out: int, kernel: int, padding: int, pool_first: bool, strided: bool, window: int = 2
) -> list[nn.Module]:
    """A conv block and the max-pool with stride 2 after it; `pool_first`: before the ReLU, a quarter of the work."""
    conv, relu, norm = conv_block(maps_in, maps_out, kernel, padding)
    pool = max_pool(maps_out, window, 2, strided=strided)
    return [conv, pool, relu, norm] if pool_first else [conv, relu, norm, pool]


class NeighborMNIST(nn.Module):
    """The MNIST network: 28×28 gray images to points in 128 dimensions; 134,944 parameters.

    28 → 26 → 13 → 13 → 13 → 13 → 6 → 6 → 1: padding 1 everywhere makes the last map 6×6.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding; other than 128 adds one linear layer at the end.
        pool_first: max-pool before ReLU and batch-norm, as the authors' released code does.
        strided: a 2×2/2 convolution and ReLU in place of each of the two max-pools.
    Source:
        Hoffer & Ailon 2016, arXiv:1611.01449, table 3. Differs: the last pooling averages the whole map whatever its
        size (6×6 at 28×28 pixels, as printed), so that other image sizes work.
    """

    smallest = 8
    starting_rate = 0.1
    paper_size = 28

    def __init__(self, channels: int = 1, dim: int = 128, pool_first: bool = False, *, strided: bool = False) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *pooled_block(channels, 16, 5, 1, pool_first, strided),
            *conv_block(16, 32, 3, 1),
            *conv_block(32, 64, 3, 1),
            *pooled_block(64, 64, 3, 1, pool_first, strided),
            *conv_block(64, 128, 3, 1),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.embedding = nn.Linear(128, dim) if dim != 128 else nn.Identity()

    def forward(self, images: Images) -> Embeddings:
        """Images (batch, channels, height, width) to points (batch, dim)."""
        maps = self.features(images)  # (batch, 128, 6, 6) for 28×28
        return self.embedding(self.pool(maps).flatten(1))


class NeighborCIFAR(nn.Module):
    """The CIFAR-10 network: 32×32 RGB images to points in 192 dimensions; 718,752 parameters.

    32 → 15 → 7 → 1: "same" padding on the convolutions, none on the pools. About twelve times the work of
    `NeighborMNIST` for one image.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding; other than 192 adds one linear layer at the end.
        pool_first: max-pool before ReLU and batch-norm, as for `NeighborMNIST`.
        strided: a 3×3/2 convolution and ReLU in place of each of the two max-pools.
    Source:
        Hoffer & Ailon 2016, arXiv:1611.01449, table 3. Differs: the last pooling averages the whole map (7×7 at 32×32
        pixels, as printed).
    """

    smallest = 7
    starting_rate = 0.1
    paper_size = 32

    def __init__(self, channels: int = 3, dim: int = 192, pool_first: bool = False, *, strided: bool = False) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *conv_block(channels, 192, 5, 2),
            *conv_block(192, 160, 1, 0),
            *pooled_block(160, 96, 1, 0, pool_first, strided, window=3),
            *conv_block(96, 96, 5, 2),
            *conv_block(96, 192, 1, 0),
            *pooled_block(192, 192, 1, 0, pool_first, strided, window=3),
            *conv_block(192, 192, 3, 1),
            *conv_block(192, 192, 1, 0),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.embedding = nn.Linear(192, dim) if dim != 192 else nn.Identity()

    def forward(self, images: Images) -> Embeddings:
        """Images (batch, channels, height, width) to points (batch, dim)."""
        maps = self.features(images)  # (batch, 192, 7, 7) for 32×32
        return self.embedding(self.pool(maps).flatten(1))


class NeighborMNISTReleased(NeighborMNIST):
    """The MNIST network in the order of the authors' released code: max-pool before ReLU and batch-norm.

    Source:
        As `NeighborMNIST`, with the released code in place of table 3.
    """

    def __init__(self, channels: int = 1, dim: int = 128, pool_first: bool = True, *, strided: bool = False) -> None:
        super().__init__(channels, dim, pool_first, strided=strided)


class NeighborCIFARReleased(NeighborCIFAR):
    """The CIFAR-10 network with max-pool before ReLU and batch-norm, the order of the released MNIST network.

    Source:
        As `NeighborCIFAR`. Differs: the order of its layers is taken from the released MNIST network.
    """

    def __init__(self, channels: int = 3, dim: int = 192, pool_first: bool = True, *, strided: bool = False) -> None:
        super().__init__(channels, dim, pool_first, strided=strided)


class Neighbor2D(NeighborMNIST):
    """The MNIST network with a two-dimensional embedding, to be drawn as it is.

    Source:
        Hoffer & Ailon 2016, arXiv:1611.01449, figure 1. Differs: the paper does not say where the two dimensions come
        from; here a linear layer makes them from the 128, because a ReLU would keep the points in one quadrant.
    """

    starting_rate = 0.05

    def __init__(self, channels: int = 1, dim: int = 2, pool_first: bool = False, *, strided: bool = False) -> None:
        super().__init__(channels, dim, pool_first, strided=strided)
