"""Weights that torchvision publishes, for our AlexNet, VGG and ResNet."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from ilk.errors import ModelError, UsageError
from ilk.networks.alexnet import AlexNet
from ilk.networks.resnet import ResNet
from ilk.networks.vgg import VGG

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue, as fractions of 255: torchvision's networks see (pixel / 255 − mean) / deviation."""

ALEXNET_LAYERS = {
    "features.0": "features.conv1",
    "features.3": "features.conv2",
    "features.6": "features.conv3",
    "features.8": "features.conv4",
    "features.10": "features.conv5",
    "classifier.1": "classifier.fc6",
    "classifier.4": "classifier.fc7",
    "classifier.6": "embedding",
}
VGG_CLASSIFIER = {"classifier.0": "classifier.fc6", "classifier.3": "classifier.fc7", "classifier.6": "embedding"}


def alexnet_name(name: str) -> str:
    """Our name of a tensor of torchvision's AlexNet; any other name comes back as it is."""
    layer, _, kind = name.rpartition(".")
    return f"{ALEXNET_LAYERS[layer]}.{kind}" if layer in ALEXNET_LAYERS else name


def vgg_name(name: str, network: VGG) -> str:
    """Our name of a tensor of torchvision's VGG, which numbers the layers as they lie; others come back as they are."""
    layer, _, kind = name.rpartition(".")
    features = {f"features.{n}": f"features.{ours}" for n, (ours, _) in enumerate(network.features.named_children())}
    layers = features | VGG_CLASSIFIER
    return f"{layers[layer]}.{kind}" if layer in layers else name


def load_published(network: nn.Module, path: Path, *, head: bool = True, normalized: bool = False) -> None:
    """Fill a network with weights that torchvision publishes, converted to safetensors; all of them or none.

    Args:
        network: AlexNet, a VGG or a ResNet, of RGB images and with its pools; changed in place.
        path: file of safetensors with torchvision's names.
        head: False leaves the last layer, the 1,000-way classifier, as it was; needed where dim is not 1000.
        normalized: False folds torchvision's normalization into the first layer, so that images (pixel − 128) / 128
            give its answers, except that the padding of the first layer now stands for mid-gray; True keeps the
            weights as published, for images that the caller has normalized.
    Raises:
        UsageError: no weights are published for such a network.
        ModelError: the file cannot be read; a tensor is missing, left over, of another shape or not finite.
    """
    if not isinstance(network, AlexNet | VGG | ResNet):
        raise UsageError(
            f"No weights are published for {type(network).__name__}. There are for alexnet, the VGGs and the ResNets."
        )
    last = "fc." if isinstance(network, ResNet) else "embedding."
    found = {_our_name(name, network): (name, tensor) for name, tensor in _read(path).items()}
    wanted = network.state_dict()
    if not head:
        found = {name: pair for name, pair in found.items() if not name.startswith(last)}
        wanted = {name: tensor for name, tensor in wanted.items() if not name.startswith(last)}
    _refuse_misfits(wanted, found, path, last)
    tensors = {name: tensor for name, (_, tensor) in found.items()}
    if not normalized:
        _fold_normalization(tensors, next(iter(wanted)))
    for name, tensor in tensors.items():
        wanted[name].copy_(tensor)


def _our_name(name: str, network: AlexNet | VGG | ResNet) -> str:
    if isinstance(network, AlexNet):
        return alexnet_name(name)
    return vgg_name(name, network) if isinstance(network, VGG) else name  # our ResNet has torchvision's names


def _read(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    except SafetensorError as error:
        raise ModelError(
            f"{path} is not a whole file of safetensors: {error}. Convert or download it again."
        ) from error


def _refuse_misfits(wanted: dict[str, Tensor], found: dict[str, tuple[str, Tensor]], path: Path, last: str) -> None:
    # Files from before 2018 do not count batches, and nothing here reads the count.
    missing = [name for name in wanted if name not in found and not name.endswith("num_batches_tracked")]
    if missing:
        raise ModelError(f"{path} has nothing for {missing[0]} ({len(missing)} missing): it is of another network.")
    for name, (theirs, tensor) in found.items():
        if name not in wanted:
            raise ModelError(f"{path} has a tensor {theirs} that the network does not have: it is of another network.")
        if tensor.shape != wanted[name].shape:
            remedy = " Leave the classifier out: head=False." if name.startswith(last) else ""
            raise ModelError(
                f"{theirs} in {path} has the shape {tuple(tensor.shape)}, but {name} has the shape "
                f"{tuple(wanted[name].shape)}.{remedy}"
            )
        if not tensor.isfinite().all():
            raise ModelError(f"{theirs} in {path} holds numbers that are not finite. Download it again.")


def _fold_normalization(tensors: dict[str, Tensor], first: str) -> None:
    """Change the weights named `first` so that they take (pixel − 128) / 128 for (pixel / 255 − mean) / deviation.

    What is constant goes into the bias or, in a ResNet, off the mean that the batch-norm behind subtracts.
    """
    weight = tensors[first].double()
    mean, deviation = (torch.tensor(each, dtype=torch.float64) for each in (IMAGENET_MEAN, IMAGENET_DEVIATION))
    constant = (weight.sum((2, 3)) * ((128 / 255 - mean) / deviation)).sum(1)
    tensors[first] = weight * (128 / 255 / deviation).view(1, 3, 1, 1)
    bias = first.replace(".weight", ".bias")
    if bias in tensors:
        tensors[bias] = tensors[bias] + constant
    else:
        tensors["bn1.running_mean"] = tensors["bn1.running_mean"] - constant
