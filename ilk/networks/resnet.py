"""Residual networks: each block adds a correction to what it was given."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from ilk.shapes import Embeddings, Images


def shortcut(maps_in: int, maps_out: int, stride: int) -> nn.Sequential | None:
    """None where a block may add its input as it is, else a 1×1 projection to the block's output (option B)."""
    if stride == 1 and maps_in == maps_out:
        return None
    return nn.Sequential(nn.Conv2d(maps_in, maps_out, 1, stride, bias=False), nn.BatchNorm2d(maps_out))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and the input added to their answer (figure 5, left); `maps` maps come out.

    Args:
        maps_in: maps of the input.
        maps: maps of both convolutions.
        stride: of the first convolution, and of the shortcut.
    """

    expansion = 1

    def __init__(self, maps_in: int, maps: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(maps_in, maps, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(maps)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(maps, maps, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(maps)
        self.downsample = shortcut(maps_in, maps, stride)
        self.relu2 = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (batch, maps_in, height, width) to (batch, maps, height / stride, width / stride)."""
        change = self.relu1(self.bn1(self.conv1(maps)))
        change = self.bn2(self.conv2(change))
        return self.relu2(change + (maps if self.downsample is None else self.downsample(maps)))


class Bottleneck(nn.Module):
    """1×1 down, 3×3, 1×1 up, and the input added to the answer (figure 5, right); 4 · `maps` maps come out.

    Args:
        maps_in: maps of the input.
        maps: maps of the first two convolutions.
        stride: of the 3×3 convolution, and of the shortcut.
    """

    expansion = 4

    def __init__(self, maps_in: int, maps: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(maps_in, maps, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(maps)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(maps, maps, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(maps)
        self.relu2 = nn.ReLU()
        self.conv3 = nn.Conv2d(maps, 4 * maps, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * maps)
        self.downsample = shortcut(maps_in, 4 * maps, stride)
        self.relu3 = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (batch, maps_in, height, width) to (batch, 4 · maps, height / stride, width / stride)."""
        change = self.relu1(self.bn1(self.conv1(maps)))
        change = self.relu2(self.bn2(self.conv2(change)))
        change = self.bn3(self.conv3(change))
        return self.relu3(change + (maps if self.downsample is None else self.downsample(maps)))


class ResNet(nn.Module):
    """What the five residual networks share; the subclasses name the block and how often each stage repeats it.

    224 → 112 → 56 → 56 → 28 → 14 → 7 → 1; every halving rounds up, so images of any size work. Layers have
    torchvision's names, and its published weights fit without renaming at dim=1000: `layer1` is the paper's conv2_x.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding (the paper's classifier: 1000).
        strided: a 3×3/2 convolution, batch-norm and ReLU in place of the one max-pool.
    Source:
        He 2015, arXiv:1512.03385, table 1, shortcuts of option B. Differs: bottlenecks halve the map in the 3×3
        convolution, not in the first 1×1, as the published weights need; the last average pool takes the whole map (7×7
        at 224 pixels); no softmax; weights begin as PyTorch's default, whose scale batch-norm removes.
    """

    smallest = 1
    paper_size = 224
    starting_rate = 0.001
    block: type[BasicBlock] | type[Bottleneck]
    repeats: tuple[int, int, int, int]

    def __init__(self, channels: int = 3, dim: int = 128, *, strided: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = self._halving(strided)

        wide = self.block.expansion
        self.layer1 = self._stage(64, 64, self.repeats[0], stride=1)
        self.layer2 = self._stage(64 * wide, 128, self.repeats[1], stride=2)
        self.layer3 = self._stage(128 * wide, 256, self.repeats[2], stride=2)
        self.layer4 = self._stage(256 * wide, 512, self.repeats[3], stride=2)

        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512 * wide, dim)

    def _halving(self, strided: bool) -> nn.Module:
        if not strided:
            return nn.MaxPool2d(3, 2, padding=1)
        conv = nn.Conv2d(64, 64, 3, 2, padding=1, bias=False)
        return nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(64), relu=nn.ReLU()))

    def _stage(self, maps_in: int, maps: int, repeats: int, stride: int) -> nn.Sequential:
        first = self.block(maps_in, maps, stride)
        return nn.Sequential(first, *(self.block(maps * self.block.expansion, maps) for _ in range(repeats - 1)))

    def forward(self, images: Images) -> Embeddings:
        """Images (batch, channels, height, width) to points (batch, dim)."""
        maps = self.relu(self.bn1(self.conv1(images)))  # (batch, 64, 112, 112) for 224×224
        maps = self.maxpool(maps)  # (batch, 64, 56, 56)

        maps = self.layer1(maps)  # (batch, 64 or 256, 56, 56): basic blocks or bottlenecks
        maps = self.layer2(maps)  # (batch, 128 or 512, 28, 28)
        maps = self.layer3(maps)  # (batch, 256 or 1024, 14, 14)
        maps = self.layer4(maps)  # (batch, 512 or 2048, 7, 7)

        return self.fc(self.avgpool(maps).flatten(1))


class ResNet18(ResNet):
    """ResNet-18: two basic blocks in each stage; 11,689,512 parameters with dim=1000."""

    block = BasicBlock
    repeats = (2, 2, 2, 2)


class ResNet34(ResNet):
    """ResNet-34: 3, 4, 6 and 3 basic blocks; 21,797,672 parameters with dim=1000."""

    block = BasicBlock
    repeats = (3, 4, 6, 3)


class ResNet50(ResNet):
    """ResNet-50: 3, 4, 6 and 3 bottlenecks; 25,557,032 parameters with dim=1000."""

    starting_rate = 0.0003
    block = Bottleneck
    repeats = (3, 4, 6, 3)


class ResNet101(ResNet):
    """ResNet-101: 3, 4, 23 and 3 bottlenecks; 44,549,160 parameters with dim=1000."""

    starting_rate = 0.0003
    block = Bottleneck
    repeats = (3, 4, 23, 3)


class ResNet152(ResNet):
    """ResNet-152: 3, 8, 36 and 3 bottlenecks; 60,192,808 parameters with dim=1000."""

    starting_rate = 0.0001
    block = Bottleneck
    repeats = (3, 8, 36, 3)
