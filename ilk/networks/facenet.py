"""The two networks that FaceNet compares: NN1, whose layers are interleaved, and NN2, whose branches are parallel."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ilk.networks.alexnet import response_norm
from ilk.networks.googlenet import Inception, conv, halving, in_order, reduced
from ilk.networks.initialization import he_start
from ilk.shapes import Embeddings, Images


class L2Pool(nn.Module):
    """The root of the mean square in each 3×3 window at stride 1, zeros around the map counted; at least 1e-6.

    Below 1e-6 the gradient is 0, not infinite as the root's would be. `nn.LPPool2d` takes the sum, which is three
    times as large, and cannot pad.

    Source:
        Schroff 2015, arXiv:1503.03832, table 2 ("L2"); the formula is not printed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.average = nn.AvgPool2d(3, 1, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of any shape (batch, maps, height, width) to the same shape."""
        return self.average(maps.square()).clamp_min(1e-12).sqrt()


class Maxout(nn.Module):
    """A fully connected layer whose every output is the largest of `pieces` linear functions of the input.

    Args:
        dim_in: numbers per image that go in.
        dim_out: numbers per image that come out.
        pieces: linear functions per output, the p of the paper.
    Source:
        Goodfellow 2013, arXiv:1302.4389, section 3.
    """

    def __init__(self, dim_in: int, dim_out: int, pieces: int = 2) -> None:
        super().__init__()
        self.pieces = pieces
        self.linear = nn.Linear(dim_in, dim_out * pieces)

    def forward(self, points: Tensor) -> Tensor:
        """Points (batch, dim_in) to (batch, dim_out)."""
        return self.linear(points).unflatten(1, (-1, self.pieces)).amax(2)


class UnitLength(nn.Module):
    """Each point moved along its ray to length 1; a point at 0 stays there."""

    def forward(self, points: Tensor) -> Tensor:
        """Points (batch, dim) to the sphere of radius 1, same shape."""
        return functional.normalize(points, dim=1)


class FaceNetNN1(nn.Module):
    """NN1, interleaved: convolutions, response normalization and max-pools in one line; 140 million parameters.

    Between the 3×3 convolutions stand 1×1 ones; 97% of the weights lie in the two maxout layers. 220 → 110 → 55 → 28
    → 14 → 7, every halving rounded up. Points have length 1, so squared distances lie between 0 and 4.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding (the paper's: 128).
        strided: a 3×3/2 convolution and ReLU in place of each of the four max-pools.
    Source:
        Schroff 2015, arXiv:1503.03832, table 1: Zeiler & Fergus 2013 with the 1×1 convolutions of Lin 2014. Differs: an
        average pool to 7×7 before the first fully connected layer, the identity at 220 pixels, lets other sizes work;
        weights of convolutions begin as in He 2015 and the constants of the response normalization are Krizhevsky's,
        since the paper states neither. Its "concat" row changes nothing and is left out.
    See also:
        FaceNetNN2: branches side by side, the same work with a twentieth of the parameters.
    """

    smallest = 1
    paper_size = 220
    starting_rate = 0.0003
    temperature = 0.1

    def __init__(self, channels: int = 3, dim: int = 128, *, strided: bool = False) -> None:
        super().__init__()
        self.conv1 = in_order(conv=conv(channels, 64, 7, 2), relu=nn.ReLU())
        self.pool1 = halving(64, strided)
        self.rnorm1 = response_norm()

        self.conv2 = reduced(64, 64, 192, 3)
        self.rnorm2 = response_norm()
        self.pool2 = halving(192, strided)

        self.conv3 = reduced(192, 192, 384, 3)
        self.pool3 = halving(384, strided)

        self.conv4 = reduced(384, 384, 256, 3)
        self.conv5 = reduced(256, 256, 256, 3)
        self.conv6 = reduced(256, 256, 256, 3)
        self.pool4 = halving(256, strided)

        self.resize = nn.AdaptiveAvgPool2d(7)
        self.fc1 = Maxout(7 * 7 * 256, 32 * 128)
        self.fc2 = Maxout(32 * 128, 32 * 128)
        self.fc7128 = nn.Linear(32 * 128, dim)
        self.unit_length = UnitLength()
        he_start(self)

    def forward(self, images: Images) -> Embeddings:
        """Images (batch, channels, height, width) to points (batch, dim) of length 1."""
        maps = self.rnorm1(self.pool1(self.conv1(images)))  # (batch, 64, 55, 55) for 220×220
        maps = self.pool2(self.rnorm2(self.conv2(maps)))  # (batch, 192, 28, 28)
        maps = self.pool3(self.conv3(maps))  # (batch, 384, 14, 14)
        maps = self.pool4(self.conv6(self.conv5(self.conv4(maps))))  # (batch, 256, 7, 7)

        points = self.resize(maps).flatten(1)  # (batch, 12544)
        points = self.fc2(self.fc1(points))  # (batch, 4096)
        return self.unit_length(self.fc7128(points))


class FaceNetNN2(nn.Module):
    """NN2, parallel: inception modules, most of them with L2 pooling; 7.5 million parameters.

    224 → 112 → 56 → 28 → 14 → 7 → 1; every halving rounds up, so images of any size work. Two of the halvings happen
    inside modules (3c, 4e). Points have length 1, so squared distances lie between 0 and 4.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding (the paper's: 128).
        strided: a 3×3/2 convolution and ReLU in place of each of the four max-pools that halve the map, two of them
            inside modules; pools that halve nothing stay.
    Source:
        Schroff 2015, arXiv:1503.03832, table 2. Differs: the last average pool takes the whole map (7×7 at 224 pixels,
        as printed); weights of convolutions begin as in He 2015 and the constants of the response normalization are
        Krizhevsky's, since the paper states neither.
    See also:
        FaceNetNN1: the same depth in one line, twenty times the parameters. GoogLeNet: with a classifier's head.
    """

    smallest = 1
    paper_size = 224
    starting_rate = 0.001
    temperature = 0.1

    def __init__(self, channels: int = 3, dim: int = 128, *, strided: bool = False) -> None:
        super().__init__()
        self.conv1 = in_order(conv=conv(channels, 64, 7, 2), relu=nn.ReLU())
        self.pool1 = halving(64, strided)
        self.norm1 = response_norm()

        self.inception_2 = reduced(64, 64, 192, 3)
        self.norm2 = response_norm()
        self.pool2 = halving(192, strided)

        self.inception_3a = Inception(192, 64, (96, 128), (16, 32), 32)
        self.inception_3b = Inception(256, 64, (96, 128), (32, 64), 64, L2Pool())
        self.inception_3c = Inception(320, 0, (128, 256), (32, 64), 0, halving(320, strided), stride=2)

        self.inception_4a = Inception(640, 256, (96, 192), (32, 64), 128, L2Pool())
        self.inception_4b = Inception(640, 224, (112, 224), (32, 64), 128, L2Pool())
        self.inception_4c = Inception(640, 192, (128, 256), (32, 64), 128, L2Pool())
        self.inception_4d = Inception(640, 160, (144, 288), (32, 64), 128, L2Pool())
        self.inception_4e = Inception(640, 0, (160, 256), (64, 128), 0, halving(640, strided), stride=2)

        self.inception_5a = Inception(1024, 384, (192, 384), (48, 128), 128, L2Pool())
        self.inception_5b = Inception(1024, 384, (192, 384), (48, 128), 128)
        self.average = nn.AdaptiveAvgPool2d(1)
        self.embedding = nn.Linear(1024, dim)
        self.unit_length = UnitLength()
        he_start(self)

    def forward(self, images: Images) -> Embeddings:
        """Images (batch, channels, height, width) to points (batch, dim) of length 1."""
        maps = self.norm1(self.pool1(self.conv1(images)))  # (batch, 64, 56, 56) for 224×224
        maps = self.pool2(self.norm2(self.inception_2(maps)))  # (batch, 192, 28, 28)

        maps = self.inception_3b(self.inception_3a(maps))  # (batch, 320, 28, 28)
        maps = self.inception_3c(maps)  # (batch, 640, 14, 14)

        maps = self.inception_4b(self.inception_4a(maps))  # (batch, 640, 14, 14)
        maps = self.inception_4d(self.inception_4c(maps))  # (batch, 640, 14, 14)
        maps = self.inception_4e(maps)  # (batch, 1024, 7, 7)

        maps = self.inception_5b(self.inception_5a(maps))  # (batch, 1024, 7, 7)
        return self.unit_length(self.embedding(self.average(maps).flatten(1)))
