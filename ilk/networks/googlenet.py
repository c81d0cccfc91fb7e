"""GoogLeNet: inception modules, which look at one map through several windows side by side."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from ilk.networks.alexnet import response_norm
from ilk.networks.initialization import he_start
from ilk.networks.pooling import max_pool
from ilk.shapes import Embeddings, Images


def in_order(**layers: nn.Module) -> nn.Sequential:
    """One layer after the other, each under its own name."""
    return nn.Sequential(OrderedDict(layers))


def conv(maps_in: int, maps_out: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the side of the map at stride 1 and halves it, rounded up, at stride 2."""
    return nn.Conv2d(maps_in, maps_out, kernel, stride, padding=kernel // 2)


def reduced(maps_in: int, maps_between: int, maps_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A 1×1 convolution down to few maps, then the wide convolution on those; ReLU after both."""
    return in_order(
        reduce=conv(maps_in, maps_between, 1),
        reduce_relu=nn.ReLU(),
        conv=conv(maps_between, maps_out, kernel, stride),
        relu=nn.ReLU(),
    )


def halving(maps: int, strided: bool) -> nn.Module:
    """A 3×3 max-pool that halves the map, rounded up; or, `strided`, a learned 3×3/2 convolution and ReLU."""
    return max_pool(maps, 3, 2, padding=1, strided=strided)


class Inception(nn.Module):
    """One map seen through 1×1, 3×3, 5×5 windows and a 3×3 pool in parallel, the answers stacked as maps.

    Args:
        maps_in: maps of the input.
        one: maps of the 1×1 branch; 0 leaves it out.
        three: maps of the 3×3 branch, (reduced to, given out).
        five: maps of the 5×5 branch, (reduced to, given out).
        pooled: maps after the 1×1 convolution behind the pool; 0 for the bare pool, which keeps `maps_in`.
        pool: the pooling layer; None for a 3×3 max-pool at stride 1.
        stride: of the 3×3 and 5×5 windows; with 2, `pool` has to halve the map too.
    Source:
        Szegedy 2014, arXiv:1409.4842, figure 2b; with `pool` and `stride`: Schroff 2015, arXiv:1503.03832, table 2.
    """

    def __init__(
        self,
        maps_in: int,
        one: int,
        three: tuple[int, int],
        five: tuple[int, int],
        pooled: int,
        pool: nn.Module | None = None,
        stride: int = 1,
    ) -> None:
        super().__init__()
        if one:
            self.branch_1x1 = in_order(conv=conv(maps_in, one, 1), relu=nn.ReLU())
        self.branch_3x3 = reduced(maps_in, *three, 3, stride)
        self.branch_5x5 = reduced(maps_in, *five, 5, stride)
        project = {"conv": conv(maps_in, pooled, 1), "relu": nn.ReLU()} if pooled else {}
        self.branch_pool = in_order(pool=pool or nn.MaxPool2d(3, 1, padding=1), **project)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (batch, maps_in, height, width) to all branches' (batch, maps, height / stride, width / stride)."""
        return torch.cat([branch(maps) for branch in self.children()], dim=1)


class GoogLeNet(nn.Module):
    """GoogLeNet: nine inception modules, 22 layers deep; 6,998,552 parameters with dim=1000.

    224 → 112 → 56 → 28 → 14 → 7 → 1; every halving rounds up, so images of any size work. Convolutions have biases;
    there is no batch-norm. In evaluation mode the last layer sees the mean over the whole map; in training 40% of it
    is dropped.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding (the paper's classifier: 1000).
        strided: a 3×3/2 convolution and ReLU in place of each of the four 3×3/2 max-pools; the pools inside the
            modules, which halve nothing, stay.
        dropout: share of the averaged maps that training drops.
    Source:
        Szegedy 2014, arXiv:1409.4842, table 1 and figure 3. Differs: no softmax and no auxiliary classifiers; the last
        average pool takes the whole map (7×7 at 224 pixels, as printed); weights begin as in He 2015 and the constants
        of the response normalization are Krizhevsky's, since the paper states neither.
    See also:
        FaceNetNN2: the same modules with L2 pooling, in place of a classifier a point on the sphere.
    """

    smallest = 1
    paper_size = 224
    starting_rate = 0.03
    temperature = 1.0

    def __init__(self, channels: int = 3, dim: int = 128, *, strided: bool = False, dropout: float = 0.4) -> None:
        super().__init__()
        self.conv1 = in_order(conv=conv(channels, 64, 7, 2), relu=nn.ReLU())
        self.pool1 = halving(64, strided)
        self.norm1 = response_norm()

        self.conv2 = reduced(64, 64, 192, 3)
        self.norm2 = response_norm()
        self.pool2 = halving(192, strided)

        self.inception_3a = Inception(192, 64, (96, 128), (16, 32), 32)
        self.inception_3b = Inception(256, 128, (128, 192), (32, 96), 64)
        self.pool3 = halving(480, strided)

        self.inception_4a = Inception(480, 192, (96, 208), (16, 48), 64)
        self.inception_4b = Inception(512, 160, (112, 224), (24, 64), 64)
        self.inception_4c = Inception(512, 128, (128, 256), (24, 64), 64)
        self.inception_4d = Inception(512, 112, (144, 288), (32, 64), 64)
        self.inception_4e = Inception(528, 256, (160, 320), (32, 128), 128)
        self.pool4 = halving(832, strided)

        self.inception_5a = Inception(832, 256, (160, 320), (32, 128), 128)
        self.inception_5b = Inception(832, 384, (192, 384), (48, 128), 128)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.embedding = nn.Linear(1024, dim)
        he_start(self)

    def forward(self, images: Images) -> Embeddings:
        """Images (batch, channels, height, width) to points (batch, dim)."""
        maps = self.norm1(self.pool1(self.conv1(images)))  # (batch, 64, 56, 56) for 224×224
        maps = self.pool2(self.norm2(self.conv2(maps)))  # (batch, 192, 28, 28)

        maps = self.inception_3b(self.inception_3a(maps))  # (batch, 480, 28, 28)
        maps = self.pool3(maps)  # (batch, 480, 14, 14)

        maps = self.inception_4c(self.inception_4b(self.inception_4a(maps)))  # (batch, 512, 14, 14)
        maps = self.inception_4e(self.inception_4d(maps))  # (batch, 832, 14, 14)
        maps = self.pool4(maps)  # (batch, 832, 7, 7)

        maps = self.inception_5b(self.inception_5a(maps))  # (batch, 1024, 7, 7)
        return self.embedding(self.dropout(self.average(maps).flatten(1)))
