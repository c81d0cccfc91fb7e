"""Network in Network: a small network slides over the image in place of a filter."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from ilk.networks.initialization import he_start
from ilk.networks.pooling import max_pool
from ilk.shapes import Embeddings, Images


def mlpconv(maps_in: int, maps: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Sequential:
    """A convolution and two 1×1 convolutions, each with its ReLU: a perceptron of three layers at every place."""
    return nn.Sequential(
        OrderedDict(
            conv=nn.Conv2d(maps_in, maps, kernel, stride, padding),
            relu=nn.ReLU(),
            cccp1=nn.Conv2d(maps, maps, 1),
            cccp_relu1=nn.ReLU(),
            cccp2=nn.Conv2d(maps, maps, 1),
            cccp_relu2=nn.ReLU(),
        )
    )


class NiN(nn.Module):
    """Network in Network: 224×224 images; 7,595,176 parameters with 1,000 outputs.

    No fully connected layer: each output is the average of one map over the whole image.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding, the maps that are averaged.
        strided: convolutions of the same kernel and stride, each with its ReLU, in place of the max-pools; padded by 1
            (54 → 27 → 14 → 7 pixels), because a convolution cannot round up as these pools do.
        dropout: share of the maps' values before the last block that training leaves out, 0 to 1.
    Source:
        Lin, Chen & Yan 2014, arXiv:1312.4400, section 3; sizes of the authors' released ImageNet model, for which the
        paper prints none (its figure 2 shows three blocks, the model has four). Differs: no ReLU after the last 1×1
        convolution, which would keep the embedding in one orthant; initial weights of He 2015; no softmax.
    See also:
        NeighborCIFAR: the same idea at 32×32 pixels, with batch-norm.
    """

    smallest = 39
    paper_size = 224
    starting_rate = 0.01

    def __init__(self, channels: int = 3, dim: int = 128, *, strided: bool = False, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                mlpconv1=mlpconv(channels, 96, 11, stride=4),  # (batch, 96, 54, 54)
                pool1=max_pool(96, 3, 2, strided=strided, round_up=True),  # (batch, 96, 27, 27)
                mlpconv2=mlpconv(96, 256, 5, padding=2),
                pool2=max_pool(256, 3, 2, strided=strided, round_up=True),  # (batch, 256, 13, 13)
                mlpconv3=mlpconv(256, 384, 3, padding=1),
                pool3=max_pool(384, 3, 2, strided=strided, round_up=True),  # (batch, 384, 6, 6)
                drop=nn.Dropout(dropout),
                conv4=nn.Conv2d(384, 1024, 3, padding=1),
                relu4=nn.ReLU(),
                cccp4=nn.Conv2d(1024, 1024, 1),
                cccp_relu4=nn.ReLU(),
            )
        )
        self.embedding = nn.Conv2d(1024, dim, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        he_start(self)

    def forward(self, images: Images) -> Embeddings:
        """Images (batch, channels, height, width) to points (batch, dim)."""
        maps = self.features(images)  # (batch, 1024, 6, 6)
        return self.pool(self.embedding(maps)).flatten(1)
