"""Pictures to points: one architecture family per file, and the table of their names."""

from __future__ import annotations

import difflib
from typing import Any

import torch
from torch import nn

from ilk.errors import UsageError
from ilk.networks.alexnet import AlexNet, AlexNet2012
from ilk.networks.embedding import as_input, embed
from ilk.networks.facenet import FaceNetNN1, FaceNetNN2
from ilk.networks.googlenet import GoogLeNet
from ilk.networks.inception_resnet import InceptionResNetV1, InceptionResNetV2
from ilk.networks.inception_v4 import InceptionV4
from ilk.networks.neighbor import Neighbor2D, NeighborCIFAR, NeighborMNIST
from ilk.networks.nin import NiN
from ilk.networks.resnet import ResNet18, ResNet34, ResNet50, ResNet101, ResNet152
from ilk.networks.vgg import VGG11, VGG11BN, VGG13, VGG13BN, VGG16, VGG16BN, VGG19, VGG19BN
from ilk.networks.zfnet import ZFNet

__all__ = ["NETWORKS", "as_input", "build", "canonical_name", "embed"]

NETWORKS: dict[str, Any] = {
    "neighbor-mnist": NeighborMNIST,
    "neighbor-cifar": NeighborCIFAR,
    "neighbor-2d": Neighbor2D,
    "alexnet": AlexNet,
    "alexnet-2012": AlexNet2012,
    "zfnet": ZFNet,
    "nin": NiN,
    "vgg-11": VGG11,
    "vgg-13": VGG13,
    "vgg-16": VGG16,
    "vgg-19": VGG19,
    "vgg-11-bn": VGG11BN,
    "vgg-13-bn": VGG13BN,
    "vgg-16-bn": VGG16BN,
    "vgg-19-bn": VGG19BN,
    "googlenet": GoogLeNet,
    "facenet-nn1": FaceNetNN1,
    "facenet-nn2": FaceNetNN2,
    "resnet-18": ResNet18,
    "resnet-34": ResNet34,
    "resnet-50": ResNet50,
    "resnet-101": ResNet101,
    "resnet-152": ResNet152,
    "inception-v4": InceptionV4,
    "inception-resnet-v1": InceptionResNetV1,
    "inception-resnet-v2": InceptionResNetV2,
}
"""Each name with its class, whose `smallest` and `paper_size` are sides of images in pixels."""


def canonical_name(name: str) -> str:
    """The table's spelling of a network's name: any case, `_` for `-`, hyphens left out.

    Raises:
        UsageError: there is no such network; the message lists the names and guesses the slip.
    """
    plain = {known.replace("-", ""): known for known in NETWORKS}
    found = plain.get(name.lower().replace("-", "").replace("_", ""))
    if found is None:
        near = difflib.get_close_matches(name.lower().replace("_", "-"), NETWORKS, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"There is no network {name!r}.{guess} Networks: {', '.join(NETWORKS)}.")
    return found


def build(
    name: str,
    *,
    channels: int,
    size: tuple[int, int] | None = None,
    dim: int | None = None,
    strided: bool = False,
    seed: int = 0,
) -> nn.Module:
    """A freshly initialized network, the same for the same seed.

    Weights and biases of convolutions are uniform in ±1/√fan_in (PyTorch's default, and Torch7's), unless the class
    says otherwise.

    Args:
        name: a name of `NETWORKS`.
        channels: 1 (gray) or 3 (RGB).
        size: (height, width) of the images in pixels, to be checked against the network's smallest.
        dim: dimensions of the embedding; None for the paper's, or 128 where the paper has a classifier.
        strided: strided convolutions in place of the pools between convolutions, where the family has some.
        seed: of the initial weights; the global generator is left as it was.
    Raises:
        UsageError: no such network, images too small for it, or `strided` for a family without pools.
    Example:
        >>> build("neighbor-mnist", channels=1).embedding
        Identity()
    """
    network_class = NETWORKS[canonical_name(name)]
    if size is not None and min(size) < network_class.smallest:
        raise UsageError(
            f"{canonical_name(name)} needs images of at least {network_class.smallest}×{network_class.smallest} "
            f"pixels, not {size[0]}×{size[1]}: give --size {network_class.smallest} or more."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        settings = ({} if dim is None else {"dim": dim}) | ({"strided": True} if strided else {})
        try:
            return network_class(channels, **settings)
        except TypeError:
            if not strided:
                raise
            raise UsageError(f"{canonical_name(name)} has no form with strided convolutions for pools.") from None
