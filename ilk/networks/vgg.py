"""VGG: nothing but 3×3 filters, in stacks that see as far as larger ones."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from ilk.networks.initialization import he_start
from ilk.networks.pooling import max_pool
from ilk.shapes import Embeddings, Images

MAPS = (64, 128, 256, 512, 512)


class VGG(nn.Module):
    """Five stages of 3×3 convolutions with a max-pool after each, and three fully connected layers.

    Base of the networks below, which say how many convolutions a stage has (the columns of the paper's table 1) and
    whether batch-norm follows each.

    Args:
        channels: 1 (gray) or 3 (RGB).
        dim: dimensions of the embedding, the layer that classifies in the paper.
        strided: 2×2 convolutions, 2 pixels apart, each with its ReLU, in place of the max-pools.
        dropout: share of the outputs of both hidden fully connected layers that training leaves out, 0 to 1.
    Source:
        Simonyan & Zisserman 2014, arXiv:1409.1556, table 1. Differs: an average pool to 7×7 maps, which changes nothing
        at 224×224 pixels, makes other sizes work; initial weights of He 2015 in place of those of a trained VGG-11; no
        softmax.
    """

    smallest = 32
    paper_size = 224
    starting_rate = 0.001
    temperature = 0.1
    depths: tuple[int, int, int, int, int]
    batch_norm = False

    def __init__(self, channels: int = 3, dim: int = 128, *, strided: bool = False, dropout: float = 0.5) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for stage, (depth, maps) in enumerate(zip(self.depths, MAPS, strict=True), 1):
            for place in range(1, depth + 1):
                layers[f"conv{stage}_{place}"] = nn.Conv2d(channels, maps, 3, padding=1)
                if self.batch_norm:
                    layers[f"norm{stage}_{place}"] = nn.BatchNorm2d(maps)
                layers[f"relu{stage}_{place}"] = nn.ReLU()
                channels = maps
            layers[f"pool{stage}"] = max_pool(maps, 2, 2, strided=strided)
        self.features = nn.Sequential(layers)
        self.pool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            OrderedDict(
                fc6=nn.Linear(512 * 7 * 7, 4096),
                relu6=nn.ReLU(),
                drop6=nn.Dropout(dropout),
                fc7=nn.Linear(4096, 4096),
                relu7=nn.ReLU(),
                drop7=nn.Dropout(dropout),
            )
        )
        self.embedding = nn.Linear(4096, dim)
        he_start(self)

    def forward(self, images: Images) -> Embeddings:
        """Images (batch, channels, height, width) to points (batch, dim)."""
        maps = self.pool(self.features(images))  # (batch, 512, 7, 7)
        hidden = self.classifier(maps.flatten(1))  # (batch, 4096)
        return self.embedding(hidden)


class VGG11(VGG):
    """Configuration A: 8 convolutions; 132,863,336 parameters with 1,000 outputs."""

    depths = (1, 1, 2, 2, 2)


class VGG13(VGG):
    """Configuration B: 10 convolutions; 133,047,848 parameters with 1,000 outputs."""

    depths = (2, 2, 2, 2, 2)


class VGG16(VGG):
    """Configuration D: 13 convolutions; 138,357,544 parameters with 1,000 outputs."""

    temperature = 0.03
    depths = (2, 2, 3, 3, 3)


class VGG19(VGG):
    """Configuration E: 16 convolutions; 143,667,240 parameters with 1,000 outputs."""

    temperature = 0.03
    depths = (2, 2, 4, 4, 4)


class VGG11BN(VGG11):
    """Configuration A, batch-norm after each convolution; 132,868,840 parameters with 1,000 outputs."""

    batch_norm = True
    temperature = 1.0


class VGG13BN(VGG13):
    """Configuration B, batch-norm after each convolution; 133,053,736 parameters with 1,000 outputs."""

    batch_norm = True
    temperature = 1.0


class VGG16BN(VGG16):
    """Configuration D, batch-norm after each convolution; 138,365,992 parameters with 1,000 outputs."""

    batch_norm = True
    temperature = 1.0


class VGG19BN(VGG19):
    """Configuration E, batch-norm after each convolution; 143,678,248 parameters with 1,000 outputs."""

    batch_norm = True
    temperature = 1.0
