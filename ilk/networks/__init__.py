"""Pictures to points: one architecture family per file, and the table of their names."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from ilk.errors import UsageError
from ilk.networks.alexnet import AlexNet, AlexNet2012
from ilk.networks.embedding import as_input, embed
from ilk.networks.facenet import FaceNetNN1, FaceNetNN2
from ilk.networks.googlenet import GoogLeNet
from ilk.networks.inception_resnet import InceptionResNetV1, InceptionResNetV2, InceptionResNetV2Released
from ilk.networks.inception_v4 import InceptionV4
from ilk.networks.neighbor import Neighbor2D, NeighborCIFAR, NeighborCIFARReleased, NeighborMNIST, NeighborMNISTReleased
from ilk.networks.nin import NiN
from ilk.networks.resnet import ResNet18, ResNet34, ResNet50, ResNet101, ResNet152
from ilk.networks.vgg import VGG11, VGG11BN, VGG13, VGG13BN, VGG16, VGG16BN, VGG19, VGG19BN
from ilk.networks.zfnet import ZFNet

__all__ = [
    "NETWORKS",
    "as_input",
    "build",
    "canonical_name",
    "check_options",
    "embed",
    "options_of",
    "outline",
    "own_channels",
]

NETWORKS: dict[str, Any] = {
    "neighbor-mnist": NeighborMNIST,
    "neighbor-cifar": NeighborCIFAR,
    "neighbor-2d": Neighbor2D,
    "neighbor-mnist-released": NeighborMNISTReleased,
    "neighbor-cifar-released": NeighborCIFARReleased,
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
    "inception-resnet-v2-released": InceptionResNetV2Released,
}
"""Each name with its class, whose `smallest` and `paper_size` are sides of images in pixels.

Its `starting_rate` is the learning rate at which the default recipe starts well, and its `temperature`, if it has one,
the scale of its distances at the start, where it is not that of the neighbor networks.
"""


def canonical_name(name: str) -> str:
    """The table's spelling of a network's name: any case, `_` for `-`, hyphens left out.

    Raises:
        UsageError: there is no such network; the message guesses the slip, or lists the names.
    """
    plain = {known.replace("-", ""): known for known in NETWORKS}
    found = plain.get(name.lower().replace("-", "").replace("_", ""))
    if found is None:
        near = difflib.get_close_matches(name.lower().replace("_", "-"), NETWORKS, n=1)
        remedy = f"Did you mean {near[0]!r}?" if near else f"Networks: {', '.join(NETWORKS)}."
        raise UsageError(f"There is no network {name!r}. {remedy}")
    return found


def own_channels(name: str) -> int:
    """The channels of the images in a network's paper: 1 (gray) or 3 (RGB)."""
    return int(inspect.signature(NETWORKS[canonical_name(name)]).parameters["channels"].default)


def options_of(name: str) -> dict[str, Any]:
    """What can be chosen about a network beside its channels and dimensions, by name, each with its default."""
    parameters = inspect.signature(NETWORKS[canonical_name(name)]).parameters.values()
    return {
        parameter.name: parameter.default
        for parameter in parameters
        if parameter.kind is parameter.KEYWORD_ONLY and isinstance(parameter.default, bool | int | float | str)
    }


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Refuse options that a network does not have, and values of another type.

    Raises:
        UsageError: names the option and those that there are.
    """
    known = options_of(name)
    for option, value in options.items():
        if type(value) is not type(known.get(option)):
            allowed = ", ".join(f"{known_name} ({type(default).__name__})" for known_name, default in known.items())
            raise UsageError(f"The network {name} has no option {option}={value!r}. Its options: {allowed}.")


def build(
    name: str,
    *,
    channels: int,
    size: tuple[int, int] | None = None,
    dim: int | None = None,
    seed: int = 0,
    **options: Any,
) -> nn.Module:
    """A freshly initialized network, the same for the same seed.

    Weights and biases of convolutions are uniform in ±1/√fan_in (PyTorch's default, and Torch7's), unless the class
    says otherwise.

    Args:
        name: a name of `NETWORKS`.
        channels: 1 (gray) or 3 (RGB).
        size: (height, width) of the images in pixels, to be checked against the network's smallest.
        dim: dimensions of the embedding; None for the paper's, or 128 where the paper has a classifier.
        seed: of the initial weights; the global generator is left as it was.
        options: of `options_of(name)`; `strided=True` puts strided convolutions in place of the pools between
            convolutions.
    Raises:
        UsageError: no such network or option, or images too small for it.
    Example:
        >>> build("neighbor-mnist", channels=1).embedding
        Identity()
    """
    name = canonical_name(name)
    network_class = NETWORKS[name]
    if size is not None and min(size) < network_class.smallest:
        raise UsageError(
            f"{name} needs images of at least {network_class.smallest}×{network_class.smallest} "
            f"pixels, not {size[0]}×{size[1]}: give `size` {network_class.smallest} or more."
        )
    check_options(name, options)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return network_class(channels, **({} if dim is None else {"dim": dim}), **options)


def outline(
    name: str,
    *,
    channels: int | None = None,
    size: tuple[int, int] | None = None,
    dim: int | None = None,
    **options: Any,
) -> nn.Module:
    """A network without weights, for arithmetic on its layers: it has shapes, and takes neither memory nor time.

    Args:
        name, size, dim, options: as for `build()`.
        channels: 1 (gray) or 3 (RGB); None for the paper's.
    Raises:
        UsageError: as `build()`.
    Example:
        >>> outline("vgg-19").embedding.weight.device
        device(type='meta')
    """
    channels = own_channels(name) if channels is None else channels
    with torch.device("meta"), _Undrawn():
        return build(name, channels=channels, size=size, dim=dim, **options)


class _Undrawn(TorchFunctionMode):
    """Leaves out the drawing of weights: on the meta device it would import PyTorch's compiler, for nothing."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.Tensor.normal_, torch.Tensor.uniform_):
            return args[0]
        return func(*args, **(kwargs or {}))
