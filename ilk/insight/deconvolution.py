"""The deconvnet: from a unit back to the pixels that drove it, as an explicit walk through the network's graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, fx, nn

from ilk.errors import ShapeError, UsageError
from ilk.insight.deconvolution_rules import CALL_RULES, MODULE_RULES, BackwardSignal, NoWayBackError, Reversed
from ilk.insight.units import activity_node
from ilk.networks.graph import evaluation_mode, graph_of
from ilk.shapes import Images


@dataclass(frozen=True)
class Deconvolution:
    """One unit of each of a batch of images, brought back to pixels.

    Args:
        pixels: shape of the images; the signal at each pixel, any scale, 0 where the pixel has no part in the unit.
        activity: shape (batch,), of the unit; where it is 0 or less the unit is silent and its pixels are all 0.
        rows: shape (batch,), where in its map the unit lies.
        columns: shape (batch,).
    """

    pixels: Float[Tensor, "batch channels height width"]
    activity: Float[Tensor, "batch"]
    rows: Int64[Tensor, "batch"]
    columns: Int64[Tensor, "batch"]


def deconvolve(
    network: nn.Module,
    images: Images,
    layer: str,
    units: Sequence[int],
    at: Sequence[tuple[int, int]] | None = None,
) -> Deconvolution:
    """The pixels that drove one unit of each image: all other units of its layer silenced, and the way back walked.

    Max-pools are undone by the switches recorded on the way up, ReLUs by rectifying the signal, convolutions by their
    filters transposed. This equals the gradient of the unit times its activity, with each ReLU's gradient rectified
    in place of gated. Cost: about two passes; the memory of the switches.

    Args:
        network: used in evaluation mode.
        images: shape (batch, channels, height, width), as the network sees them.
        layer: the name of a convolution; see `conv_layers()`.
        units: the map of each image, from 0.
        at: (row, column) in the map of each image; None for where it is most active.
    Raises:
        UsageError: no such layer, unit or position, or a step below the layer that has no way back, by its name.
        ShapeError: not one unit for each image.
    Source:
        Zeiler & Fergus 2013, arXiv:1311.2901, section 2.1. Differs: the paper does not say how contrast normalization
        is undone; here by its recorded divisor. Batch-norm, which is younger, by its scale. Sums send the signal into
        every branch.
    """
    if len(units) != len(images) or (at is not None and len(at) != len(images)):
        raise ShapeError(f"{len(images)} images need one unit and one position for each, not {len(units)}.")
    graph = graph_of(network)
    target = activity_node(graph, layer)
    with torch.inference_mode(), evaluation_mode(network):
        maps, backs, needed = _forward(graph, target, images)
        chosen = maps[torch.arange(len(images)), _unit_numbers(units, maps, layer)]  # (batch, rows, columns)
        places = chosen.flatten(1).argmax(1) if at is None else _place_numbers(at, chosen)
        strength = chosen.flatten(1)[torch.arange(len(images)), places]
        signal = torch.zeros_like(maps)
        rows, columns = places // maps.shape[3], places % maps.shape[3]
        signal[torch.arange(len(images)), torch.as_tensor(units), rows, columns] = strength.relu()
        pixels = _backward(target, signal, backs, needed)
    return Deconvolution(pixels.clone(), strength, rows, columns)


def _forward(
    graph: fx.GraphModule, target: fx.Node, images: Tensor
) -> tuple[Tensor, dict[fx.Node, tuple[BackwardSignal, list[fx.Node]]], list[fx.Node]]:
    """The maps at a node, and for each step below it the way back, and the steps in their order."""
    below = _ancestors(target)
    needed = [node for node in graph.graph.nodes if node in below]
    uses = Counter(source for node in needed for source in _inputs(node))
    values: dict[fx.Node, Tensor] = {}
    backs: dict[fx.Node, tuple[BackwardSignal, list[fx.Node]]] = {}
    for node in needed:
        if node.op == "placeholder":
            values[node] = images
            continue
        inputs = _inputs(node)
        values[node], back = _run_node(graph, node, values)
        backs[node] = back, inputs
        for source in inputs:  # free what no later step takes
            uses[source] -= 1
            if uses[source] == 0:
                values.pop(source, None)
    return values[target], backs, needed


def _backward(
    target: fx.Node, signal: Tensor, backs: dict[fx.Node, tuple[BackwardSignal, list[fx.Node]]], needed: list[fx.Node]
) -> Tensor:
    """The signal at the images; where a step's output went into several, their signals add."""
    signals = {target: signal}
    for node in reversed(needed):
        if node.op == "placeholder":
            return signals[node]
        back, inputs = backs[node]
        for source, part in zip(inputs, back(signals.pop(node)), strict=True):
            signals[source] = signals[source] + part if source in signals else part
    raise UsageError("The layer does not depend on the images.")


def _run_node(graph: fx.GraphModule, node: fx.Node, values: dict[fx.Node, Tensor]) -> Reversed:
    args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda source: values[source])
    what = str(node.target)
    try:
        if node.op == "call_module":
            module = graph.get_submodule(what)
            what = f"{what} ({type(module).__name__})"
            if type(module) in MODULE_RULES:
                return MODULE_RULES[type(module)](module, values[_inputs(node)[0]])
        elif node.target in CALL_RULES:
            return CALL_RULES[node.target](*args, **kwargs)
        raise NoWayBackError("no way back is known")
    except NoWayBackError as error:
        known = sorted({kind.__name__ for kind in MODULE_RULES})
        raise UsageError(
            f"No deconvolution goes back through {what}, step {node.name}: {error}. "
            f"Choose a layer before it, or build the network from {', '.join(known)}, sums and concatenations."
        ) from error


def _inputs(node: fx.Node) -> list[fx.Node]:
    """The nodes whose values a step takes, in their order, one that it takes twice twice."""
    found: list[fx.Node] = []
    fx.node.map_arg((node.args, node.kwargs), lambda source: found.append(source) or source)  # type: ignore[func-returns-value]
    return found


def _ancestors(target: fx.Node) -> set[fx.Node]:
    found, todo = {target}, [target]
    while todo:
        fresh = set(todo.pop().all_input_nodes) - found
        found |= fresh
        todo += fresh
    return found


def _unit_numbers(units: Sequence[int], maps: Tensor, layer: str) -> Tensor:
    wrong = [unit for unit in units if not 0 <= unit < maps.shape[1]]
    if wrong:
        raise UsageError(
            f"The layer {layer} has no unit {wrong[0]}. Allowed: 0 to {maps.shape[1] - 1}, one for each of its maps."
        )
    return torch.as_tensor(units)


def _place_numbers(at: Sequence[tuple[int, int]], maps: Tensor) -> Tensor:
    height, width = maps.shape[1:]
    for row, column in at:
        if not (0 <= row < height and 0 <= column < width):
            raise UsageError(f"No unit lies at ({row}, {column}): the maps are {height} high and {width} wide.")
    return torch.tensor([row * width + column for row, column in at])
