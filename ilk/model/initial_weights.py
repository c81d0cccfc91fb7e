"""The network that a run begins with: freshly initialized, or with the weights of an earlier run or of torchvision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ilk.data import Dataset
from ilk.errors import ChannelsError, ModelError, UsageError
from ilk.model.bundle import Bundle, load_bundle
from ilk.model.layout import model_in
from ilk.networks import build, canonical_name, outline
from ilk.networks.initialization import torch7_start
from ilk.networks.layers import layers_up_to
from ilk.networks.mean_subtraction import mean_color, subtract_mean
from ilk.networks.torchvision_weights import load_published
from ilk.sampling import start_generator
from ilk.training import Settings

HEADS = ("embedding", "fc", "fc7128")
"""What our networks call their last layer."""
PUBLISHED_DIM = 1000


@dataclass(frozen=True)
class Start:
    """Weights to begin from, and the network that they are of.

    Args:
        source: where they come from, for messages.
        network: a name of `ilk.networks.NETWORKS`.
        weights: by name; those of the last layer may be missing.
        channels: 1 (gray) or 3 (RGB).
        size: (height, width) in pixels of the images that they were trained on; None for any.
        dim: dimensions of the embedding; None for the network's own.
        options: of the network, as for `ilk.networks.build`.
        subtract_mean: the first layer subtracts a mean color, which is among the weights.
    """

    source: str
    network: str
    weights: Mapping[str, Tensor]
    channels: int
    size: tuple[int, int] | None = None
    dim: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    subtract_mean: bool = False


def start_of(folder: str | Path) -> Start:
    """The weights of a finished run, of a saved NeighborEmbedding, or of the folder `model` in either.

    Raises:
        ModelError: there is no model, or it is damaged.
    """
    return start_of_bundle(load_bundle(model_in(Path(folder))), str(folder))


def start_of_bundle(bundle: Bundle, source: str) -> Start:
    """The weights of a model that has been read; raises ModelError where its description lacks something."""
    about = bundle.description
    try:
        return Start(
            source=source,
            network=canonical_name(about["network"]),
            weights=bundle.weights,
            channels=about["channels"],
            size=(int(about["height"]), int(about["width"])),
            dim=bundle.embeddings.shape[1],
            options=dict(about["options"]),
            subtract_mean=bool(about.get("subtract_mean", False)),
        )
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise ModelError(f"{source} holds no model to begin from: {error}. Fit it again.") from error


def published_start(path: str | Path, network: str, *, dim: int | None = None) -> Start:
    """The weights that torchvision publishes for a network of RGB images, from a file of safetensors.

    Args:
        path: of the file.
        network: alexnet, a vgg or a resnet.
        dim: 1000 keeps the layer that classifies; else the last layer begins afresh.
    Raises:
        UsageError: no weights are published for this network.
        ModelError: the file is damaged, or of another network.
    """
    name, head = canonical_name(network), dim == PUBLISHED_DIM
    built = build(name, channels=3, dim=dim)
    load_published(built, Path(path), head=head)
    weights = {key: tensor for key, tensor in built.state_dict().items() if head or not _of_head(key)}
    return Start(str(path), name, weights, channels=3, dim=dim)


def begin(
    dataset: Dataset,
    settings: Settings,
    *,
    network: str,
    dim: int | None = None,
    options: Mapping[str, Any] | None = None,
    start: Start | None = None,
    freeze_to: str | None = None,
) -> tuple[nn.Module, list[nn.Module]]:
    """Build the network on the CPU, with its initial weights; also return its frozen layers.

    Args:
        dataset: gives channels, size and mean color.
        settings: give the seed of fresh weights, dropout, and whether the mean is subtracted.
        network: a name of `ilk.networks.NETWORKS`.
        dim: dimensions of the embedding; None for the network's own.
        options: of the network, as for `ilk.networks.build`; None for its defaults.
        start: weights to take over; a last layer of another size begins afresh.
        freeze_to: the last of the frozen layers.
    Raises:
        UsageError: images too small, no such layer, nothing left to train, or settings that the network does not have.
        ChannelsError: `start` is of images with other channels.
        ModelError: `start` is of another network.
    """
    channels, height, width = dataset.images.shape[1:]
    built = build(network, channels=channels, size=(height, width), dim=dim, seed=settings.seed, **(options or {}))
    if settings.initialization == "torch7":
        torch7_start(built, start_generator(settings.seed))
    if settings.subtract_mean:
        subtract_mean(built, mean_color(dataset.images))
    if start is not None:
        _require_fit(start, dataset)
        _take_over(built, start)
    return built, _frozen_layers(built, network, freeze_to, (channels, height, width))


def require_beginning(
    dataset: Dataset,
    settings: Settings,
    *,
    network: str,
    dim: int | None = None,
    options: Mapping[str, Any] | None = None,
    start: Start | None = None,
    freeze_to: str | None = None,
) -> None:
    """Refuse what `begin()` would refuse, by the shapes alone: no weight is drawn and no image is looked at.

    Args:
        dataset, settings, network, dim, options, start, freeze_to: as for `begin()`.
    Raises:
        UsageError, ChannelsError, ModelError: as `begin()`.
    """
    channels, height, width = dataset.images.shape[1:]
    shapes = outline(network, channels=channels, size=(height, width), dim=dim, **(options or {}))
    if settings.subtract_mean:
        subtract_mean(shapes, torch.zeros(channels))
    if start is not None:
        _require_fit(start, dataset)
        _fitting(shapes.state_dict(), start)
    with torch.device("meta"):
        _frozen_layers(shapes, network, freeze_to, (channels, height, width))


def _frozen_layers(
    built: nn.Module, network: str, freeze_to: str | None, shape: tuple[int, int, int]
) -> list[nn.Module]:
    """The layers up to one, of which something must be left to train."""
    frozen = [] if freeze_to is None else layers_up_to(built, freeze_to, shape)
    kept = {parameter for layer in frozen for parameter in layer.parameters()}
    if all(parameter in kept for parameter in built.parameters()):
        raise UsageError(
            f"Up to {freeze_to!r} is the whole of {network}, so nothing is left to train. Name a layer before."
        )
    return frozen


def _require_fit(start: Start, dataset: Dataset) -> None:
    channels, height, width = dataset.images.shape[1:]
    if channels != start.channels:
        kinds = {1: "gray", 3: "color"}
        raise ChannelsError(
            f"{start.source} learned from {kinds[start.channels]} images, and these are {kinds[channels]} ones. "
            f"Read them with channels={start.channels}, or begin afresh."
        )
    if start.size not in (None, (height, width)):
        raise UsageError(
            f"{start.source} learned from images of {start.size[0]}×{start.size[1]} pixels, not {height}×{width}. "
            "Read these at that size."
        )


def _take_over(network: nn.Module, start: Start) -> None:
    """Copy the weights of `start`; what does not fit stays as it is."""
    own = network.state_dict()
    network.load_state_dict(own | _fitting(own, start))


def _fitting(own: Mapping[str, Tensor], start: Start) -> dict[str, Tensor]:
    """The weights of `start` that fit a network; those that do not may only be of the last layer."""
    fitting = {
        name: tensor for name, tensor in start.weights.items() if name in own and own[name].shape == tensor.shape
    }
    misfits = [name for name in {**own, **start.weights} if name not in fitting and not _of_head(name)]
    if misfits:
        raise ModelError(
            f"The weights of {start.source} do not fit {start.network}: {misfits[0]} is missing or of another shape. "
            "Fit it again with this version of Ilk."
        )
    return fitting


def _of_head(name: str) -> bool:
    return name.partition(".")[0] in HEADS
