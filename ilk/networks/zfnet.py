"""ZFNet: AlexNet after a look at what its layers see."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from ilk.networks.alexnet import response_norm
from ilk.networks.initialization import he_start
from ilk.networks.pooling import max_pool
from ilk.shapes import Embeddings, Images


class ZFNet(nn.Module):
    """ZFNet: 224×224 images; 62,357,608 parameters with 1,000 outputs.

    The first filters are 7×7 and 2 pixels apart, not 11×11 and 4 as in AlexNet: the paper's pictures show dead filters
    and aliasing there. Each map is pooled before it is normalized.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding, the layer that classifies in the paper.
        strided: convolutions of the same kernel, stride and padding, each with its ReLU, in place of the max-pools.
        dropout: share of the outputs of both hidden fully connected layers that training leaves out, 0 to 1.
    Source:
        Zeiler & Fergus 2013, arXiv:1311.2901, figure 3. Differs: padding 1 in the first convolution and in the first
        two pools, of which the figure gives only the sizes that follow; AlexNet's constants in the normalization, for
        which the figure gives none; an average pool to 6×6 maps, which changes nothing at 224×224 pixels, makes other
        sizes work; initial weights of He 2015 in place of 0.01 everywhere; no softmax.
    """

    smallest = 53
    paper_size = 224
    starting_rate = 0.01

    def __init__(self, channels: int = 3, dim: int = 128, *, strided: bool = False, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(channels, 96, 7, stride=2, padding=1),  # (batch, 96, 110, 110)
                relu1=nn.ReLU(),
                pool1=max_pool(96, 3, 2, 1, strided=strided),  # (batch, 96, 55, 55)
                norm1=response_norm(),
                conv2=nn.Conv2d(96, 256, 5, stride=2),  # (batch, 256, 26, 26)
                relu2=nn.ReLU(),
                pool2=max_pool(256, 3, 2, 1, strided=strided),  # (batch, 256, 13, 13)
                norm2=response_norm(),
                conv3=nn.Conv2d(256, 384, 3, padding=1),
                relu3=nn.ReLU(),
                conv4=nn.Conv2d(384, 384, 3, padding=1),
                relu4=nn.ReLU(),
                conv5=nn.Conv2d(384, 256, 3, padding=1),
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
