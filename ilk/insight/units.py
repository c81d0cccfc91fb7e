"""Convolution layers by name, and the node of the graph at which the activity of their units is read."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import torch
from torch import fx, nn

from ilk.errors import UsageError
from ilk.networks.graph import graph_of


def conv_layers(network: nn.Module) -> tuple[str, ...]:
    """The names of the two-dimensional convolutions of a network, in the order in which images pass them."""
    graph = graph_of(network)
    names = [str(node.target) for node in graph.graph.nodes if node.op == "call_module"]
    return tuple(dict.fromkeys(name for name in names if isinstance(graph.get_submodule(name), nn.Conv2d)))


def activity_node(graph: fx.GraphModule, layer: str) -> fx.Node:
    """Where the activity of a layer's maps is read: after its ReLU, and its batch-norm, where they follow at once.

    Args:
        graph: of `graph_of()`.
        layer: the name of a convolution, such as "features.3".
    Raises:
        UsageError: no such layer, or it is no convolution, or the network uses it twice.
    """
    modules = dict(graph.named_modules())
    convolutions = [
        node
        for node in graph.graph.nodes
        if node.op == "call_module" and isinstance(modules[str(node.target)], nn.Conv2d)
    ]
    found = [node for node in convolutions if node.target == layer]
    if len(found) != 1:
        names = list(dict.fromkeys(str(node.target) for node in convolutions))
        raise UsageError(_no_such_layer(layer, names, layer in modules, len(found)))
    conv = here = found[0]
    while len(here.users) == 1:
        (after,) = here.users
        if _is_relu(after, modules):
            return after
        if after.op != "call_module" or not isinstance(modules[str(after.target)], nn.BatchNorm2d):
            break
        here = after
    return conv if here is conv else here


def activity_network(network: nn.Module, layers: Sequence[str]) -> fx.GraphModule:
    """A network that ends at these layers: images to a tuple of their maps; it shares the weights."""
    graph = graph_of(network)
    nodes = [activity_node(graph, layer) for layer in layers]
    kept = []
    for node in nodes:
        with graph.graph.inserting_after(node):  # a copy, because what follows may work in place
            kept.append(graph.graph.call_method("clone", (node,)))
    (output,) = (node for node in graph.graph.nodes if node.op == "output")
    output.args = (tuple(kept),)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph


def layers_with_relu(network: nn.Module, layers: Sequence[str]) -> frozenset[str]:
    """Those of the layers whose activity is read behind a ReLU; for the others, below 0 is not silent."""
    graph = graph_of(network)
    modules = dict(graph.named_modules())
    return frozenset(layer for layer in layers if _is_relu(activity_node(graph, layer), modules))


def branches(network: nn.Module, layer: str) -> int:
    """How many branches are stacked where a layer ends one of them; 1 where it stands alone."""
    users = list(activity_node(graph_of(network), layer).users)
    stacked = [user for user in users if user.target in (torch.cat, torch.concat, "cat")]
    return max((len(user.all_input_nodes) for user in stacked), default=1)


def _is_relu(node: fx.Node, modules: dict[str, nn.Module]) -> bool:
    if node.op == "call_module":
        return isinstance(modules[str(node.target)], nn.ReLU)
    return node.target in (torch.relu, torch.relu_, nn.functional.relu, "relu", "relu_")


def _no_such_layer(layer: str, names: list[str], known: bool, uses: int) -> str:
    allowed = f"Convolutions: {', '.join(names)}." if names else "This network has no convolution."
    if uses > 1:
        return f"The layer {layer} is used {uses} times for one image, so its units have no one place. {allowed}"
    if known:
        return f"The layer {layer} is no convolution. {allowed}"
    near = difflib.get_close_matches(layer, names, n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    return f"There is no layer {layer!r}.{guess} {allowed}"
