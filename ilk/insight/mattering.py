"""Which units of a layer an answer rests on: what becomes of it without each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from ilk.errors import ShapeError
from ilk.insight.units import activity_node, at_rest, graph_of
from ilk.neighbors import NeighborClassifier
from ilk.networks import as_input

BATCH = 64


@dataclass(frozen=True)
class Mattering:
    """A unit, and how the probability of the answer changes without it.

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


def units_that_matter(
    network: nn.Module,
    classifier: NeighborClassifier,
    image: UInt8[np.ndarray, "channels height width"],
    layer: str,
    *,
    label: int | None = None,
    most: int = 9,
) -> list[Mattering]:
    """The units whose silence costs a class most of its probability, the costliest first; among equals by the move.

    Each map of the layer is set to 0 by itself, and the image answered anew. Cost: one pass for each unit.

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
    hook = _Silencer()
    graph.add_submodule("silencer", hook)
    with graph.graph.inserting_after(node):
        quieted = graph.graph.call_module("silencer", (node,))
    node.replace_all_uses_with(quieted, delete_user_cb=lambda user: user is not quieted)
    graph.recompile()
    pixels = as_input(torch.from_numpy(image[None].copy())).to(next(network.parameters()).device)
    with torch.inference_mode(), at_rest(graph):
        own = graph(pixels).cpu().numpy()
        parts = []
        for start in range(0, hook.width, BATCH):
            hook.units = torch.arange(start, min(start + BATCH, hook.width))
            parts.append(graph(pixels.expand(len(hook.units), -1, -1, -1)).cpu().numpy())
    points = np.concatenate([*parts, own])
    answers = classifier.predict(points)
    label = int(answers.label[-1]) if label is None else label
    probability = answers.probabilities[:, label].astype(np.float64)
    moved = np.linalg.norm(points.astype(np.float64) - own, axis=1)
    drop = probability[-1] - probability[:-1]
    order = np.lexsort((-moved[:-1], -drop))[:most]
    return [Mattering(int(u), float(probability[u]), float(drop[u]), float(moved[u])) for u in order]


class _Silencer(nn.Module):
    """Sets one map of each image to 0, or none where no units are given."""

    def __init__(self) -> None:
        super().__init__()
        self.units: Tensor | None = None
        self.width = 0

    def forward(self, maps: Tensor) -> Tensor:
        self.width = maps.shape[1]
        if self.units is None:
            return maps
        quiet = maps.clone()
        quiet[torch.arange(len(maps)), self.units] = 0
        return quiet
