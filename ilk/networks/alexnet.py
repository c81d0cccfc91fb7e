"""AlexNet: as it won in 2012, in two columns, and as torchvision publishes it, in one."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from ilk.networks.initialization import he_start
from ilk.networks.pooling import max_pool
from ilk.shapes import Embeddings, Images


def response_norm() -> nn.LocalResponseNorm:
    """The paper's response normalization across five neighboring maps: a / (2 + 10⁻⁴ Σ a²)^0.75.

    PyTorch divides alpha by the number of maps and the paper does not: hence five times the paper's alpha.
    """
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


class AlexNet(nn.Module):
    """AlexNet in one column: 224×224 images; 61,100,840 parameters with 1,000 outputs.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding, the layer that classifies in the paper.
        strided: convolutions of the same kernel and stride, each with its ReLU, in place of the max-pools.
        dropout: share of the inputs of both hidden fully connected layers that training leaves out, 0 to 1.
    Source:
        Krizhevsky 2014, arXiv:1404.5997, footnote 1, as torchvision publishes it: narrower maps than in 2012, no
        response normalization, no groups. Differs: an average pool to 6×6 maps, which changes nothing at 224×224
        pixels, makes other sizes work; initial weights of He 2015; no softmax.
    See also:
        AlexNet2012: the paper's own, in two columns.
    """

    smallest = 63
    paper_size = 224
    starting_rate = 0.01
    temperature = 1.0

    def __init__(self, channels: int = 3, dim: int = 128, *, strided: bool = False, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(channels, 64, 11, stride=4, padding=2),  # (batch, 64, 55, 55)
                relu1=nn.ReLU(),
                pool1=max_pool(64, 3, 2, strided=strided),  # (batch, 64, 27, 27)
                conv2=nn.Conv2d(64, 192, 5, padding=2),
                relu2=nn.ReLU(),
                pool2=max_pool(192, 3, 2, strided=strided),  # (batch, 192, 13, 13)
                conv3=nn.Conv2d(192, 384, 3, padding=1),
                relu3=nn.ReLU(),
                conv4=nn.Conv2d(384, 256, 3, padding=1),
                relu4=nn.ReLU(),
                conv5=nn.Conv2d(256, 256, 3, padding=1),
                relu5=nn.ReLU(),
                pool5=max_pool(256, 3, 2, strided=strided),  # (batch, 256, 6, 6)
            )
        )
        self.pool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            OrderedDict(
                drop6=nn.Dropout(dropout),
                fc6=nn.Linear(256 * 6 * 6, 4096),
                relu6=nn.ReLU(),
                drop7=nn.Dropout(dropout),
                fc7=nn.Linear(4096, 4096),
                relu7=nn.ReLU(),
            )
        )
        self.embedding = nn.Linear(4096, dim)
        he_start(self)

    def forward(self, images: Images) -> Embeddings:
        """Images (batch, channels, height, width) to points (batch, dim)."""
        maps = self.pool(self.features(images))  # (batch, 256, 6, 6)
        hidden = self.classifier(maps.flatten(1))  # (batch, 4096)
        return self.embedding(hidden)


class AlexNet2012(nn.Module):
    """AlexNet as it won in 2012: 227×227 images; 60,965,224 parameters with 1,000 outputs.

    Two groups of maps, which the paper keeps on two GPUs, meet in the third convolution and in the fully connected
    layers. Pools of 3×3 overlap, because they stand 2 pixels apart.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding, the layer that classifies in the paper.
        strided: convolutions of the same kernel and stride, each with its ReLU, in place of the max-pools.
        dropout: share of the outputs of both hidden fully connected layers that training leaves out, 0 to 1.
    Source:
        Krizhevsky, Sutskever & Hinton 2012, section 3 and figure 2. Differs: 227 pixels, because 224 do not give the
        paper's 55×55 maps; an average pool to 6×6 maps, which changes nothing there, makes other sizes work; initial
        weights of He 2015 in place of a normal distribution of width 0.01 with some biases at 1; no softmax.
    See also:
        AlexNet: one column without response normalization, for which weights are published.
    """

    smallest = 67
    paper_size = 227
    starting_rate = 0.01

    def __init__(self, channels: int = 3, dim: int = 128, *, strided: bool = False, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(channels, 96, 11, stride=4),  # (batch, 96, 55, 55)
                relu1=nn.ReLU(),
                norm1=response_norm(),
                pool1=max_pool(96, 3, 2, strided=strided),  # (batch, 96, 27, 27)
                conv2=nn.Conv2d(96, 256, 5, padding=2, groups=2),
                relu2=nn.ReLU(),
                norm2=response_norm(),
                pool2=max_pool(256, 3, 2, strided=strided),  # (batch, 256, 13, 13)
                conv3=nn.Conv2d(256, 384, 3, padding=1),
                relu3=nn.ReLU(),
                conv4=nn.Conv2d(384, 384, 3, padding=1, groups=2),
                relu4=nn.ReLU(),
                conv5=nn.Conv2d(384, 256, 3, padding=1, groups=2),
                relu5=nn.ReLU(),
                pool5=max_pool(256, 3, 2, strided=strided),  # (batch, 256, 6, 6)
            )
        )
        self.pool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            OrderedDict(
                fc6=nn.Linear(256 * 6 * 6, 4096),
                relu6=nn.ReLU(),
                drop6=nn.Dropout(dropout),
                fc7=nn.Linear(4096, 4096),
                relu7=nn.ReLU(),
                drop7=nn.Dropout(dropout),
            )
        )
        he_start(self, fully_connected=True)
        self.embedding = nn.Linear(4096, dim)

    def forward(self, images: Images) -> Embeddings:
        """Images (batch, channels, height, width) to points (batch, dim)."""
        maps = self.pool(self.features(images))  # (batch, 256, 6, 6)
        hidden = self.classifier(maps.flatten(1))  # (batch, 4096)
        return self.embedding(hidden)
