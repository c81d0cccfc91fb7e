"""Inception-v4: a stem, three kinds of inception modules, and between them two that halve the grid."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ilk.networks.googlenet import in_order
from ilk.shapes import Embeddings, Images


class ConvUnit(nn.Module):
    """Convolution without a bias, then batch-norm, then ReLU; "same" padding unless `valid` (a V in the figures).

    Weights start as in He 2015, arXiv:1502.01852, after which batch-norm in evaluation mode has nothing to correct:
    with PyTorch's default, 75 layers give all images the same point until the running averages have settled.
    """

    def __init__(
        self, maps_in: int, maps_out: int, kernel: int | tuple[int, int], *, stride: int = 1, valid: bool = False
    ) -> None:
        super().__init__()
        height, width = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (0, 0) if valid else (height // 2, width // 2)
        self.conv = nn.Conv2d(maps_in, maps_out, (height, width), stride, padding, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        self.norm = nn.BatchNorm2d(maps_out, eps=1e-3)
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (batch, maps_in, height, width) to (batch, maps_out, height', width')."""
        return self.relu(self.norm(self.conv(maps)))


def halving(maps: int, strided: bool) -> nn.Module:
    """3×3 max-pool, stride 2, V; or the convolution in its place."""
    return ConvUnit(maps, maps, 3, stride=2, valid=True) if strided else nn.MaxPool2d(3, stride=2)


def smoothing() -> nn.AvgPool2d:
    """3×3 average pool, stride 1, over the pixels inside the map."""
    return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)


class Stem(nn.Module):
    """Figure 3, the stem of Inception-v4 and Inception-ResNet-v2: 299×299 pixels to 384 maps of 35×35."""

    def __init__(self, channels: int, strided: bool = False) -> None:
        super().__init__()
        self.conv1 = ConvUnit(channels, 32, 3, stride=2, valid=True)
        self.conv2 = ConvUnit(32, 32, 3, valid=True)
        self.conv3 = ConvUnit(32, 64, 3)

        self.split1_pool = halving(64, strided)
        self.split1_conv = ConvUnit(64, 96, 3, stride=2, valid=True)

        self.split2_short = in_order(conv1=ConvUnit(160, 64, 1), conv2=ConvUnit(64, 96, 3, valid=True))
        self.split2_long = in_order(
            conv1=ConvUnit(160, 64, 1),
            conv2=ConvUnit(64, 64, (7, 1)),
            conv3=ConvUnit(64, 64, (1, 7)),
            conv4=ConvUnit(64, 96, 3, valid=True),
        )

        self.split3_conv = ConvUnit(192, 192, 3, stride=2, valid=True)
        self.split3_pool = halving(192, strided)

    def forward(self, images: Tensor) -> Tensor:
        """Images (batch, channels, height, width) to 384 maps, of about an eighth of the side."""
        maps = self.conv3(self.conv2(self.conv1(images)))  # (batch, 64, 147, 147)
        maps = torch.cat([self.split1_pool(maps), self.split1_conv(maps)], 1)  # (batch, 160, 73, 73)
        maps = torch.cat([self.split2_short(maps), self.split2_long(maps)], 1)  # (batch, 192, 71, 71)
        return torch.cat([self.split3_conv(maps), self.split3_pool(maps)], 1)  # (batch, 384, 35, 35)


class InceptionA(nn.Module):
    """Figure 4: on the 35×35 grid, 384 maps to 384."""

    def __init__(self) -> None:
        super().__init__()
        self.branch_pool = in_order(pool=smoothing(), conv=ConvUnit(384, 96, 1))
        self.branch_1x1 = ConvUnit(384, 96, 1)
        self.branch_3x3 = in_order(conv1=ConvUnit(384, 64, 1), conv2=ConvUnit(64, 96, 3))
        self.branch_double = in_order(conv1=ConvUnit(384, 64, 1), conv2=ConvUnit(64, 96, 3), conv3=ConvUnit(96, 96, 3))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (batch, 384, height, width) to as many of the same size."""
        branches = [self.branch_pool, self.branch_1x1, self.branch_3x3, self.branch_double]
        return torch.cat([branch(maps) for branch in branches], 1)


class ReductionA(nn.Module):
    """Figure 7 with k, l, m, n of table 1: the 35×35 grid to 17×17, `maps` maps to `maps` + m + n."""

    def __init__(self, maps: int, k: int, l: int, m: int, n: int, strided: bool = False) -> None:  # noqa: E741  (as the paper names them)
        super().__init__()
        self.branch_pool = halving(maps, strided)
        self.branch_3x3 = ConvUnit(maps, n, 3, stride=2, valid=True)
        self.branch_double = in_order(
            conv1=ConvUnit(maps, k, 1), conv2=ConvUnit(k, l, 3), conv3=ConvUnit(l, m, 3, stride=2, valid=True)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (batch, maps, height, width) to (batch, maps + m + n, about half, about half)."""
        return torch.cat([self.branch_pool(maps), self.branch_3x3(maps), self.branch_double(maps)], 1)


class InceptionB(nn.Module):
    """Figure 5: on the 17×17 grid, 1,024 maps to 1,024."""

    def __init__(self) -> None:
        super().__init__()
        self.branch_pool = in_order(pool=smoothing(), conv=ConvUnit(1024, 128, 1))
        self.branch_1x1 = ConvUnit(1024, 384, 1)
        self.branch_7x7 = in_order(
            conv1=ConvUnit(1024, 192, 1), conv2=ConvUnit(192, 224, (1, 7)), conv3=ConvUnit(224, 256, (7, 1))
        )
        self.branch_double = in_order(
            conv1=ConvUnit(1024, 192, 1),
            conv2=ConvUnit(192, 192, (1, 7)),
            conv3=ConvUnit(192, 224, (7, 1)),
            conv4=ConvUnit(224, 224, (1, 7)),
            conv5=ConvUnit(224, 256, (7, 1)),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (batch, 1024, height, width) to as many of the same size."""
        branches = [self.branch_pool, self.branch_1x1, self.branch_7x7, self.branch_double]
        return torch.cat([branch(maps) for branch in branches], 1)


class ReductionB(nn.Module):
    """Figure 8: the 17×17 grid to 8×8, 1,024 maps to 1,536."""

    def __init__(self, strided: bool = False) -> None:
        super().__init__()
        self.branch_pool = halving(1024, strided)
        self.branch_3x3 = in_order(conv1=ConvUnit(1024, 192, 1), conv2=ConvUnit(192, 192, 3, stride=2, valid=True))
        self.branch_7x7 = in_order(
            conv1=ConvUnit(1024, 256, 1),
            conv2=ConvUnit(256, 256, (1, 7)),
            conv3=ConvUnit(256, 320, (7, 1)),
            conv4=ConvUnit(320, 320, 3, stride=2, valid=True),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (batch, 1024, height, width) to (batch, 1536, about half, about half)."""
        return torch.cat([self.branch_pool(maps), self.branch_3x3(maps), self.branch_7x7(maps)], 1)


class InceptionC(nn.Module):
    """Figure 6: on the 8×8 grid, 1,536 maps to 1,536; two branches part once more, into a row and a column."""

    def __init__(self) -> None:
        super().__init__()
        self.branch_pool = in_order(pool=smoothing(), conv=ConvUnit(1536, 256, 1))
        self.branch_1x1 = ConvUnit(1536, 256, 1)
        self.branch_3x3 = ConvUnit(1536, 384, 1)
        self.branch_3x3_row = ConvUnit(384, 256, (1, 3))
        self.branch_3x3_column = ConvUnit(384, 256, (3, 1))
        self.branch_double = in_order(
            conv1=ConvUnit(1536, 384, 1), conv2=ConvUnit(384, 448, (1, 3)), conv3=ConvUnit(448, 512, (3, 1))
        )
        self.branch_double_row = ConvUnit(512, 256, (1, 3))
        self.branch_double_column = ConvUnit(512, 256, (3, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (batch, 1536, height, width) to as many of the same size."""
        small, large = self.branch_3x3(maps), self.branch_double(maps)
        parted = [self.branch_3x3_row(small), self.branch_3x3_column(small)]
        parted += [self.branch_double_row(large), self.branch_double_column(large)]
        return torch.cat([self.branch_pool(maps), self.branch_1x1(maps), *parted], 1)


class InceptionV4(nn.Module):
    """Inception-v4: 299×299 images to points; 42,679,816 parameters with 1,000 dimensions.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding; 1,000 where the paper has its classes.
        strided: a 3×3/2 convolution, batch-norm and ReLU in place of each of the four max-pools; the averages inside
            the modules stay.
    Source:
        Szegedy, Ioffe, Vanhoucke & Alemi 2016, arXiv:1602.07261, figures 3 to 9. Differs: no softmax; the last
        pool averages the whole map (8×8 at 299 pixels, as printed); where a figure prints 1×7 twice in a row, the
        second is 7×1, as in the released code; from there too, batch-norm's epsilon, 0.001, and the first weights.
    """

    smallest = 75
    paper_size = 299
    starting_rate = 0.001
    temperature = 16.0

    def __init__(self, channels: int = 3, dim: int = 128, *, strided: bool = False) -> None:
        super().__init__()
        self.stem = Stem(channels, strided)
        self.inception_a = nn.Sequential(*(InceptionA() for _ in range(4)))
        self.reduction_a = ReductionA(384, 192, 224, 256, 384, strided)
        self.inception_b = nn.Sequential(*(InceptionB() for _ in range(7)))
        self.reduction_b = ReductionB(strided)
        self.inception_c = nn.Sequential(*(InceptionC() for _ in range(3)))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.2)  # the paper keeps 0.8
        self.embedding = nn.Linear(1536, dim)

    def forward(self, images: Images) -> Embeddings:
        """Images (batch, channels, height, width) to points (batch, dim)."""
        maps = self.stem(images)  # (batch, 384, 35, 35) for 299×299

        maps = self.inception_a(maps)  # (batch, 384, 35, 35)
        maps = self.reduction_a(maps)  # (batch, 1024, 17, 17)

        maps = self.inception_b(maps)  # (batch, 1024, 17, 17)
        maps = self.reduction_b(maps)  # (batch, 1536, 8, 8)

        maps = self.inception_c(maps)  # (batch, 1536, 8, 8)
        return self.embedding(self.dropout(self.pool(maps).flatten(1)))
