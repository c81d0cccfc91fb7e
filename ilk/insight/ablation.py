"""Ablation: the answer to an image with each unit of a layer silenced by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor, fx, nn

from ilk.errors import ShapeError
from ilk.insight.units import activity_node
from ilk.neighbors import NeighborClassifier
from ilk.networks import as_input
from ilk.networks.embedding import batch_for
from ilk.networks.graph import evaluation_mode, graph_of

UNITS_PER_BATCH = 64


@dataclass(frozen=True)
class UnitAblation:
    """A unit, and what silencing it does to the probability and to the point.

    Args:
        unit: from 0.
        without: the probability of the watched class once the whole map of this unit is silenced, 0 to 1.
        drop: the probability with it, less that; above 0 for a unit that speaks for the class.
        moved: how far the point moves without it, Euclidean, in the unit of the embedding.
    """

    unit: int
    without: float
    drop: float
    moved: float


def ablate_units(
    network: nn.Module,
    classifier: NeighborClassifier,
    image: UInt8[np.ndarray, "channels height width"],
    layer: str,
    *,
    label: int | None = None,
    most: int = 9,
) -> list[UnitAblation]:
    """Silence each unit of a layer; those that cost a class most of its probability first, among equals by the move.

    Each map of the layer is set to 0 by itself, and the image answered anew. Cost: one pass of what comes after the
    layer for each unit.

    Args:
        network: images to points; used in evaluation mode.
        classifier: over points of this network.
        image: uint8, 0 to 255.
        layer: the name of a convolution.
        label: the class to watch, by number; None for the answer to the image.
        most: how many units to name.
    Raises:
        UsageError: no such layer.
        ShapeError: not one image.
    """
    if image.ndim != 3:
        raise ShapeError(f"One image has three axes (channels, height, width), not {image.ndim}.")
    graph = graph_of(network)
    node = activity_node(graph, layer)
    pixels = as_input(torch.from_numpy(image[None].copy())).to(next(network.parameters()).device)
    with torch.inference_mode(), evaluation_mode(graph):
        first = _Recorder(graph, node)
        own = first.run(pixels).cpu().numpy()
        parts = []
        width = first.kept[node].shape[1]
        step = min(UNITS_PER_BATCH, batch_for(image.shape))
        for start in range(0, width, step):
            units = torch.arange(start, min(start + step, width))
            parts.append(_ablated_points(graph, node, first.kept, units).cpu().numpy())
    points = np.concatenate([*parts, own])
    answers = classifier.predict(points)
    label = int(answers.label[-1]) if label is None else label
    probability = answers.probabilities[:, label].astype(np.float64)
    moved = np.linalg.norm(points.astype(np.float64) - own, axis=1)
    drop = probability[-1] - probability[:-1]
    order = np.lexsort((-moved[:-1], -drop))[:most]
    return [UnitAblation(int(u), float(probability[u]), float(drop[u]), float(moved[u])) for u in order]


class _Recorder(fx.Interpreter):
    """Runs a graph and keeps a copy of each output up to a node, safe from what later steps do in place."""

    def __init__(self, graph: fx.GraphModule, last: fx.Node) -> None:
        super().__init__(graph)
        self.kept: dict[fx.Node, Any] = {}
        self.last = last

    def run_node(self, n: fx.Node) -> Any:
        value = super().run_node(n)
        if self.last not in self.kept:
            self.kept[n] = value.clone() if isinstance(value, Tensor) else value
        return value


def _ablated_points(graph: fx.GraphModule, node: fx.Node, kept: Mapping[fx.Node, Any], units: Tensor) -> Tensor:
    """The points with each of these units silenced; only what follows the node is computed."""
    known = {}
    for each, value in kept.items():
        needed = each is node or any(user not in kept for user in each.users)
        batched = needed and each.op != "get_attr" and isinstance(value, Tensor) and value.ndim > 0
        known[each] = value.repeat(len(units), *[1] * (value.ndim - 1)) if batched else value
    known[node][torch.arange(len(units)), units] = 0
    return fx.Interpreter(graph).run(initial_env=known)
