"""The layers of a network by their names: which there are, which run before which, and what one of them gives."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from ilk.data.image_source import ImageSource, batches, source_of
from ilk.errors import UsageError
from ilk.networks.embedding import as_input, batch_for
from ilk.shapes import Pixels, Vectors


def find_layer(network: nn.Module, name: str) -> nn.Module:
    """The layer of that name, as `ilk describe` shows it, such as `features.conv1`; a block of layers has one too.

    Raises:
        UsageError: there is no such layer; the nearest names are given.
    """
    layers = {known: module for known, module in network.named_modules() if known}
    if name not in layers:
        near = difflib.get_close_matches(name, layers, n=3, cutoff=0.5)
        guess = f"Did you mean {' or '.join(near)}?" if near else f"The last is {list(layers)[-1]}."
        raise UsageError(f"There is no layer {name!r}. {guess} `ilk describe` names all layers of a network or a run.")
    return layers[name]


def layers_up_to(network: nn.Module, name: str, shape: tuple[int, int, int]) -> list[nn.Module]:
    """The layers that have run once layer `name` has, itself and those of parallel branches included.

    Args:
        network: on the CPU; its mode is put back as it was.
        name: as for `find_layer()`.
        shape: (channels, height, width) of its images.
    Raises:
        UsageError: there is no such layer, or images do not pass through it.
    """
    last, done = find_layer(network, name), []
    hooks = [
        module.register_forward_hook(lambda module, given, found: done.append(module)) for module in network.modules()
    ]
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad():
            network(torch.zeros(1, *shape))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    if last not in done:
        raise UsageError(f"No image passes through the layer {name!r} by itself. Name one that `ilk describe` shows.")
    return done[: len(done) - done[::-1].index(last)]


def embed_layer(
    network: nn.Module,
    pixels: Pixels | ImageSource,
    name: str,
    *,
    flat: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Iterator[Vectors]:
    """What a layer gives for each image, a batch of images at a time; memory does not grow with their number.

    Args:
        network: images to anything; used in evaluation mode, which is put back as it was.
        pixels: shape (images, channels, height, width), uint8: an array, or a source that is read batch by batch.
        name: as for `find_layer()`.
        flat: False averages each map over its places, so that a vector has one number per map; True keeps all values,
            map by map, each row by row. A layer without places gives its values either way.
        on_progress: called with (done, total).
    Yields:
        shape (batch, values), float32.
    Raises:
        UsageError: there is no such layer, or it gives no one vector or map for each image.
    """
    layer, taken = find_layer(network, name), []

    def take(module: nn.Module, given: object, found: object) -> None:
        # At once, because a layer behind it may write over its output.
        taken.append(_as_vectors(found, name, flat))

    source, device = source_of(pixels), next(network.parameters()).device
    done = 0
    was_training, hook = network.training, layer.register_forward_hook(take)
    network.eval()
    try:
        for part in batches(source, batch_for(source.shape)):
            taken.clear()
            with torch.inference_mode():
                network(as_input(part.to(device)))
            if not taken or len(taken[-1]) != len(part):
                raise UsageError(f"The layer {name!r} gives no vector for each image. Name another one.")
            yield taken[-1]
            done += len(part)
            if on_progress:
                on_progress(done, len(source))
    finally:
        hook.remove()
        network.train(was_training)


def _as_vectors(found: object, name: str, flat: bool) -> np.ndarray:
    if not isinstance(found, Tensor) or found.ndim < 2:
        raise UsageError(f"The layer {name!r} gives no vector or map for each image. Name another one.")
    vectors = found.flatten(1) if flat or found.ndim == 2 else found.flatten(2).mean(2)
    return vectors.to("cpu", torch.float32, copy=True).numpy()
