"""What frozen layers give for images, computed once: a network cut in two behind its last frozen layer."""

from __future__ import annotations

import torch
from torch import Tensor, fx, nn

from ilk.data.image_source import ImageSource
from ilk.networks.embedding import as_input, batch_for
from ilk.networks.graph import graph_of

MOST_BYTES = 1 << 30
"""Features beyond 1 GiB are not kept, but computed in each step."""


class FrozenFeatures:
    """The outputs of a network's frozen layers, kept for all images, or for the labeled ones where all are too many.

    Args:
        network: frozen up to the layer, and in evaluation mode there.
        layer: the last frozen layer or block.
        source: of all images, on the device of the network.
        labeled: positions of the labeled images.
    Raises:
        ValueError: what follows the layer also looks at what comes before it, so that the network cannot be cut there.
        UsageError: the network cannot be traced.
    """

    def __init__(self, network: nn.Module, layer: str, source: ImageSource, labeled: Tensor) -> None:
        self.head_graph, self.tail_graph = cut(network, layer)
        self.head = fx.GraphModule(network, self.head_graph)
        self.source = source
        self._tails: dict[int, nn.Module] = {}
        self._rows = torch.full((len(source),), -1)
        self._features: Tensor | None = None
        self._labeled = labeled

    def compute(self, precision: str) -> None:
        """Pass the images through the frozen layers, in the number format of the training."""
        one = self.through(as_input(self.source.take(torch.zeros(1, dtype=torch.int64))), precision)
        fits = one.numel() * one.element_size() * len(self.source) <= MOST_BYTES
        positions = torch.arange(len(self.source)) if fits else self._labeled
        if one.numel() * one.element_size() * len(positions) > MOST_BYTES:
            return
        size, parts = batch_for(self.source.shape), []
        with torch.no_grad():
            for start in range(0, len(positions), size):
                parts.append(self.through(as_input(self.source.take(positions[start : start + size])), precision))
        self._features = torch.cat(parts)
        self._rows[positions] = torch.arange(len(positions))

    def take(self, positions: Tensor, precision: str) -> Tensor:
        """The features of the images at these positions."""
        rows = self._rows[positions]
        if self._features is not None and bool((rows >= 0).all()):
            return self._features[rows.to(self._features.device)]
        with torch.no_grad():
            return self.through(as_input(self.source.take(positions)), precision)

    def through(self, images: Tensor, precision: str) -> Tensor:
        """Images passed through the frozen layers; gradients flow to the images."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            features: Tensor = self.head(images)
        return features

    def tail_of(self, network: nn.Module) -> nn.Module:
        """What follows the frozen layers, of this network or of a copy of it; its weights are the network's own."""
        if id(network) not in self._tails:
            self._tails[id(network)] = fx.GraphModule(network, self.tail_graph)
        return self._tails[id(network)]


def cut(network: nn.Module, layer: str) -> tuple[fx.Graph, fx.Graph]:
    """The graph of a network up to a layer, and the graph of what follows it.

    Raises:
        ValueError: a later operation uses something from before the layer, or no operation is of the layer.
    """
    nodes = list(graph_of(network).graph.nodes)
    of_layer = [place for place, node in enumerate(nodes) if _is_within(node, layer)]
    if not of_layer:
        raise ValueError(f"no operation of the network is of its layer {layer!r}")
    head, tail = fx.Graph(), fx.Graph()
    before: dict[fx.Node, fx.Node] = {}
    for node in nodes[: of_layer[-1] + 1]:
        before[node] = head.node_copy(node, before.__getitem__)
    head.output(before[nodes[of_layer[-1]]])
    after = {nodes[of_layer[-1]]: tail.placeholder("features")}
    try:
        for node in nodes[of_layer[-1] + 1 :]:
            after[node] = tail.node_copy(node, after.__getitem__)
    except KeyError as error:
        raise ValueError(f"what follows the layer {layer!r} also looks at what comes before it") from error
    return head, tail


def _is_within(node: fx.Node, layer: str) -> bool:
    """Whether an operation belongs to a layer or block."""
    places = [path for path, _ in node.meta.get("nn_module_stack", {}).values()]
    return any(path == layer or path.startswith(f"{layer}.") for path in [*places, str(node.target)])
