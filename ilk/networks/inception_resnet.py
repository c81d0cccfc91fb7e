"""Inception-ResNet-v1 and -v2: inception modules whose result is scaled down and added to what came in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ilk.networks.googlenet import in_order
from ilk.networks.inception_v4 import ConvUnit, ReductionA, Stem, halving, smoothing
from ilk.shapes import Embeddings, Images

Scales = tuple[float, float, float]

RELEASED_SCALES: Scales = (0.17, 0.10, 0.20)
"""Of the residuals of modules A, B and C in the authors' code; the paper says between 0.1 and 0.3."""


class InceptionResidual(nn.Module):
    """ReLU(maps + scale · residual): parallel branches, then a 1×1 convolution back to as many maps as came in.

    That convolution is linear and has a bias in place of batch-norm; nor is there batch-norm on the sum (§3.2).

    Args:
        maps: how many come in and go out.
        branches: each takes `maps` maps.
        joined: how many maps the branches make together.
        scale: of the residual before the addition.
        linear: no ReLU on the sum.
    """

    def __init__(
        self, maps: int, branches: dict[str, nn.Module], joined: int, scale: float, linear: bool = False
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleDict(branches)
        self.expand = nn.Conv2d(joined, maps, 1)
        self.scale = scale
        self.relu = nn.Identity() if linear else nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (batch, maps, height, width) to as many of the same size."""
        joined = torch.cat([branch(maps) for branch in self.branches.values()], 1)
        return self.relu(maps + self.scale * self.expand(joined))


def module_a(maps: int, double: tuple[int, int], scale: float) -> InceptionResidual:
    """Figures 10 and 16, on the 35×35 grid; `double` is the maps of the two 3×3 convolutions in a row."""
    first, second = double
    branches: dict[str, nn.Module] = {
        "branch_1x1": ConvUnit(maps, 32, 1),
        "branch_3x3": in_order(conv1=ConvUnit(maps, 32, 1), conv2=ConvUnit(32, 32, 3)),
        "branch_double": in_order(
            conv1=ConvUnit(maps, 32, 1), conv2=ConvUnit(32, first, 3), conv3=ConvUnit(first, second, 3)
        ),
    }
    return InceptionResidual(maps, branches, 32 + 32 + second, scale)


def module_b(maps: int, single: int, seven: tuple[int, int, int], scale: float) -> InceptionResidual:
    """Figures 11 and 17, on the 17×17 grid; `seven` is the maps of 1×1, 1×7 and 7×1."""
    first, second, third = seven
    branches: dict[str, nn.Module] = {
        "branch_1x1": ConvUnit(maps, single, 1),
        "branch_7x7": in_order(
            conv1=ConvUnit(maps, first, 1), conv2=ConvUnit(first, second, (1, 7)), conv3=ConvUnit(second, third, (7, 1))
        ),
    }
    return InceptionResidual(maps, branches, single + third, scale)


def module_c(maps: int, three: tuple[int, int], scale: float, linear: bool = False) -> InceptionResidual:
    """Figures 13 and 19, on the 8×8 grid; `three` is the maps of 1×3 and 3×1."""
    second, third = three
    branches: dict[str, nn.Module] = {
        "branch_1x1": ConvUnit(maps, 192, 1),
        "branch_3x3": in_order(
            conv1=ConvUnit(maps, 192, 1), conv2=ConvUnit(192, second, (1, 3)), conv3=ConvUnit(second, third, (3, 1))
        ),
    }
    return InceptionResidual(maps, branches, 192 + third, scale, linear)


class ResidualReductionB(nn.Module):
    """Figures 12 and 18: the 17×17 grid to 8×8, `maps` maps to `maps` + 384 + `middle` + `last`."""

    def __init__(self, maps: int, middle: int, last: int, strided: bool = False) -> None:
        super().__init__()
        self.branch_pool = halving(maps, strided)
        self.branch_wide = in_order(conv1=ConvUnit(maps, 256, 1), conv2=ConvUnit(256, 384, 3, stride=2, valid=True))
        self.branch_narrow = in_order(
            conv1=ConvUnit(maps, 256, 1), conv2=ConvUnit(256, middle, 3, stride=2, valid=True)
        )
        self.branch_double = in_order(
            conv1=ConvUnit(maps, 256, 1),
            conv2=ConvUnit(256, middle, 3),
            conv3=ConvUnit(middle, last, 3, stride=2, valid=True),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (batch, maps, height, width) to (batch, maps + 384 + middle + last, about half, about half)."""
        branches = [self.branch_pool, self.branch_wide, self.branch_narrow, self.branch_double]
        return torch.cat([branch(maps) for branch in branches], 1)


def stem_v1(channels: int, strided: bool = False) -> nn.Sequential:
    """Figure 14, the stem of Inception-ResNet-v1: 299×299 pixels to 256 maps of 35×35."""
    return in_order(
        conv1=ConvUnit(channels, 32, 3, stride=2, valid=True),  # 149×149
        conv2=ConvUnit(32, 32, 3, valid=True),  # 147×147
        conv3=ConvUnit(32, 64, 3),
        pool=halving(64, strided),  # 73×73
        conv4=ConvUnit(64, 80, 1),
        conv5=ConvUnit(80, 192, 3, valid=True),  # 71×71
        conv6=ConvUnit(192, 256, 3, stride=2, valid=True),  # 35×35
    )


class ReleasedMixed(nn.Module):
    """The inception module that ends the stem of the released Inception-ResNet-v2: 192 maps to 320."""

    def __init__(self) -> None:
        super().__init__()
        self.branch_1x1 = ConvUnit(192, 96, 1)
        self.branch_5x5 = in_order(conv1=ConvUnit(192, 48, 1), conv2=ConvUnit(48, 64, 5))
        self.branch_double = in_order(conv1=ConvUnit(192, 64, 1), conv2=ConvUnit(64, 96, 3), conv3=ConvUnit(96, 96, 3))
        self.branch_pool = in_order(pool=smoothing(), conv=ConvUnit(192, 64, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (batch, 192, height, width) to (batch, 320, height, width)."""
        branches = [self.branch_1x1, self.branch_5x5, self.branch_double, self.branch_pool]
        return torch.cat([branch(maps) for branch in branches], 1)


def stem_released(channels: int, strided: bool = False) -> nn.Sequential:
    """The stem of the released Inception-ResNet-v2: 299×299 pixels to 320 maps of 35×35."""
    shared = list(stem_v1(channels, strided).named_children())[:-1]
    return in_order(**dict(shared), pool2=halving(192, strided), mixed=ReleasedMixed())


@dataclass(frozen=True)
class Plan:
    """What differs between the versions: numbers of maps, as the functions above take them, and repetitions."""

    stem: int
    a: tuple[int, int]
    reduction_a: tuple[int, int, int, int]
    b: tuple[int, tuple[int, int, int]]
    reduction_b: tuple[int, int]
    c: tuple[int, int]
    repeats: tuple[int, int, int] = (5, 10, 5)


V1 = Plan(256, (32, 32), (192, 192, 256, 384), (128, (128, 128, 128)), (256, 256), (192, 192))
V2 = Plan(384, (48, 64), (256, 256, 384, 384), (192, (128, 160, 192)), (288, 320), (224, 256))


class InceptionResNet(nn.Module):
    """What the versions share (figure 15); use one of them.

    Args:
        stem: images to `plan.stem` maps.
        plan: of the modules after it.
        dim: dimensions of the embedding.
        strided: as in the versions.
        scales: of the residuals in modules A, B and C.
    """

    smallest = 75
    paper_size = 299
    starting_rate = 0.001

    def __init__(self, stem: nn.Module, plan: Plan, dim: int, strided: bool, scales: Scales) -> None:
        super().__init__()
        at_35 = plan.stem
        at_17 = at_35 + plan.reduction_a[2] + plan.reduction_a[3]
        at_8 = at_17 + 384 + sum(plan.reduction_b)
        times_a, times_b, times_c = plan.repeats
        scale_a, scale_b, scale_c = scales

        self.stem = stem
        self.module_a = nn.Sequential(*(module_a(at_35, plan.a, scale_a) for _ in range(times_a)))
        self.reduction_a = ReductionA(at_35, *plan.reduction_a, strided=strided)
        self.module_b = nn.Sequential(*(module_b(at_17, *plan.b, scale_b) for _ in range(times_b)))
        self.reduction_b = ResidualReductionB(at_17, *plan.reduction_b, strided=strided)
        self.module_c = nn.Sequential(*(module_c(at_8, plan.c, scale_c) for _ in range(times_c)))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(0.2)  # the paper keeps 0.8
        self.embedding = nn.Linear(at_8, dim)

    def forward(self, images: Images) -> Embeddings:
        """Images (batch, channels, height, width) to points (batch, dim)."""
        maps = self.stem(images)  # v1: (batch, 256, 35, 35) for 299×299; v2: 384

        maps = self.module_a(maps)
        maps = self.reduction_a(maps)  # v1: (batch, 896, 17, 17); v2: 1152

        maps = self.module_b(maps)
        maps = self.reduction_b(maps)  # v1: (batch, 1792, 8, 8); v2: 2144

        maps = self.module_c(maps)
        return self.embedding(self.dropout(self.pool(maps).flatten(1)))


class InceptionResNetV1(InceptionResNet):
    """Inception-ResNet-v1: 299×299 images to points; 22,756,328 parameters with 1,000 dimensions.

    A port that is often quoted has 23,995,624: a sixth module C, and a layer of 512 before the classes.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding; 1,000 where the paper has its classes.
        strided: a 3×3/2 convolution, batch-norm and ReLU in place of each max-pool.
        scales: of the residuals in modules A, B and C, 0.1 to 0.3 in the paper.
    Source:
        Szegedy, Ioffe, Vanhoucke & Alemi 2016, arXiv:1602.07261, figures 7 and 10 to 15, table 1. Differs: no softmax;
        the last pool averages the whole map (8×8 at 299 pixels, as printed). Scales and batch-norm's epsilon, 0.001,
        are the released code's, the first weights Inception-v4's.
    """

    def __init__(
        self, channels: int = 3, dim: int = 128, *, strided: bool = False, scales: Scales = RELEASED_SCALES
    ) -> None:
        super().__init__(stem_v1(channels, strided), V1, dim, strided, scales)


class InceptionResNetV2(InceptionResNet):
    """Inception-ResNet-v2 as its figures have it; 32,433,928 parameters with 1,000 dimensions.

    The paper says that it costs what Inception-v4 does, 12.3 billion multiply-adds at 299 pixels; its figures make 9.3,
    the released code 13.2.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding; 1,000 where the paper has its classes.
        strided: a 3×3/2 convolution, batch-norm and ReLU in place of each max-pool.
        scales: of the residuals in modules A, B and C, 0.1 to 0.3 in the paper.
    Source:
        Szegedy, Ioffe, Vanhoucke & Alemi 2016, arXiv:1602.07261, figures 3, 7, 15 and 16 to 19, table 1. Differs: as
        Inception-ResNet-v1; 1,152 and 2,144 maps where figures 17 and 19 print 1,154 and 2,048, which cannot be added.
    See also:
        InceptionResNetV2Released: the authors' code, deeper and with another stem; most people mean it by this name.
    """

    def __init__(
        self, channels: int = 3, dim: int = 128, *, strided: bool = False, scales: Scales = RELEASED_SCALES
    ) -> None:
        super().__init__(Stem(channels, strided), V2, dim, strided, scales)


class InceptionResNetV2Released(InceptionResNet):
    """Inception-ResNet-v2 as its authors' code has it; 55,843,464 parameters with 1,000 dimensions.

    What most people call Inception-ResNet-v2. The modules are the figures', 10, 20 and 10 of them; the stem is older,
    the last module is added in full and without a ReLU, and a 1×1 convolution to 1,536 maps follows.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding; 1,000 where the code has its classes.
        strided: a 3×3/2 convolution, batch-norm and ReLU in place of each max-pool.
        scales: of the residuals in modules A, B and C.
    Source:
        The authors' code for arXiv:1602.07261, TensorFlow-Slim `inception_resnet_v2`, 2016. Differs: no auxiliary
        classifier, no softmax; 1,000 classes where the code has 1,001.
    """

    def __init__(
        self, channels: int = 3, dim: int = 128, *, strided: bool = False, scales: Scales = RELEASED_SCALES
    ) -> None:
        plan = replace(V2, stem=320, repeats=(10, 20, 9))
        super().__init__(stem_released(channels, strided), plan, dim, strided, scales)
        self.module_c.add_module("last", module_c(2080, plan.c, 1.0, linear=True))
        self.module_c.add_module("conv", ConvUnit(2080, 1536, 1))
        self.embedding = nn.Linear(1536, dim)
