"""A trained space: the network in evaluation mode, the labeled points in it, and the folder that holds both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ilk.data import Dataset
from ilk.errors import ChannelsError, ModelError, UsageError
from ilk.model.bundle import Bundle, load_bundle, save_bundle
from ilk.model.network import network_of
from ilk.model.self_test import self_test_of
from ilk.neighbors import HeadClassifier, NeighborClassifier, with_head
from ilk.networks import embed
from ilk.networks.mean_subtraction import subtracts_mean
from ilk.shapes import Pixels, Targets, Vectors


@dataclass(frozen=True)
class Space:
    """What answers: images become points, and points get the class of their nearest labeled neighbors.

    Args:
        network: images to points, with the averaged weights.
        network_name: its name in `ilk.networks.NETWORKS`.
        size: (height, width) of the images that it takes, in pixels.
        channels: 1 (gray) or 3 (RGB).
        gray_too: images without color were among those it learned from, so a color model takes them.
        classes: the class names.
        reference_names: the names of the labeled images, in the order of the classifier's points.
        classifier: over all labeled points.
        options: of the network, as for `ilk.networks.build`.
    """

    network: nn.Module
    network_name: str
    size: tuple[int, int]
    channels: int
    gray_too: bool
    classes: tuple[str, ...]
    reference_names: tuple[str, ...]
    classifier: NeighborClassifier
    options: Mapping[str, Any] = field(default_factory=dict)

    def embed(self, pixels: Pixels, on_progress: Callable[[int, int], None] | None = None) -> Vectors:
        """Points of images of this space's size and channels; shape (images, dim)."""
        return embed(self.network, pixels, on_progress=on_progress)

    def adapt(self, dataset: Dataset) -> Dataset:
        """Images read at this space's size, in the channels that it takes; raises like `require_channels()`."""
        self.require_channels(dataset)
        return dataset.in_color() if self.channels == 3 else dataset

    def require_channels(self, dataset: Dataset) -> None:
        """Refuse images of the wrong kind.

        Raises:
            ChannelsError: gray images for a model that saw only color ones, or color images for a gray model.
        """
        color = dataset.images.shape[1] == 3 and not dataset.gray.all()
        if self.channels == 1 and color:
            first = dataset.names[int((~dataset.gray).argmax())]
            raise ChannelsError(
                f"{dataset.source} holds color images (for one, {first}), but this model "
                "learned from gray ones (1 channel). Convert them to gray, or fit a model on color images."
            )
        if self.channels == 3 and not color and not self.gray_too:
            raise ChannelsError(
                f"{dataset.source} holds gray images only, but this model learned from color ones (3 channels). "
                "Fit a model on gray images, or give color images."
            )


def save_space(folder: Path, space: Space) -> None:
    """Write or replace the folder as a whole; raises like `ilk.model.bundle.save_bundle`."""
    save_bundle(folder, bundle_of(space))


def load_space(folder: Path) -> Space:
    """The space in a folder that is verified first; raises ModelError like `ilk.model.bundle.load_bundle`."""
    return space_of(load_bundle(folder))


def bundle_of(space: Space, positions: Targets | None = None) -> Bundle:
    """The space as files can hold it: tensors and plain words, nothing that runs.

    Args:
        space: the trained space.
        positions: shape (labeled,), of its labeled images among those of the training; None to leave them out.
    """
    classifier, centered = space.classifier, subtracts_mean(space.network)
    head = (classifier.weight, classifier.bias) if isinstance(classifier, HeadClassifier) else (None, None)
    return Bundle(
        weights={name: tensor.detach().cpu().contiguous() for name, tensor in space.network.state_dict().items()},
        embeddings=classifier.points,
        targets=classifier.targets,
        reference_names=space.reference_names,
        positions=positions,
        head_weight=head[0],
        head_bias=head[1],
        description={
            "network": space.network_name,
            "height": space.size[0],
            "width": space.size[1],
            "channels": space.channels,
            "gray_too": space.gray_too,
            "options": dict(space.options),
            "subtract_mean": centered,
            "preprocessing": "(pixel - mean) / 128" if centered else "(pixel - 128) / 128",
            "classes": list(space.classes),
            "distance": classifier.distance,
            "temperature": classifier.temperature,
            "k": classifier.k,
            "unlike_beyond": classifier.unlike_beyond,
            "sure_from": classifier.sure_from,
        },
        self_test=self_test_of(space.network, classifier, space.channels, space.size),
    )


def classifier_of(bundle: Bundle) -> NeighborClassifier:
    """The nearest labeled images vote, or the head answers where there is one."""
    about = bundle.description
    classifier = NeighborClassifier(
        bundle.embeddings,
        bundle.targets,
        len(about["classes"]),
        distance=about["distance"],
        temperature=about["temperature"],
        k=about["k"],
        unlike_beyond=about["unlike_beyond"],
        sure_from=about["sure_from"],
    )
    if bundle.head_weight is None or bundle.head_bias is None:
        return classifier
    return with_head(classifier, bundle.head_weight, bundle.head_bias)


def space_of(bundle: Bundle) -> Space:
    """The space that a bundle describes, ready to answer.

    Raises:
        ModelError: the description does not fit the tensors.
    """
    about = bundle.description
    try:
        network = network_of(about, bundle.embeddings.shape[1])
        network.load_state_dict(bundle.weights)
        # As it was trained: another order in memory rounds differently, and answers would differ in their last digits.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # left out of torch's types
        return Space(
            network=network.eval(),
            network_name=about["network"],
            size=(int(about["height"]), int(about["width"])),
            channels=about["channels"],
            gray_too=bool(about["gray_too"]),
            classes=tuple(about["classes"]),
            reference_names=bundle.reference_names,
            classifier=classifier_of(bundle),
            options=dict(about["options"]),
        )
    except (KeyError, TypeError, ValueError, RuntimeError, UsageError) as error:
        raise ModelError(f"The model's description does not fit its tensors: {error}. Fit it again.") from error
