"""The images that drive each unit hardest, and the units that no image drives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from ilk.errors import ShapeError, UsageError
from ilk.insight.units import activity_network, conv_layers, layers_with_relu
from ilk.networks import as_input
from ilk.networks.embedding import batch_for
from ilk.networks.graph import evaluation_mode
from ilk.shapes import Pixels

IMAGES_PER_UNIT = 9  # as in the paper's figure 2
MAPS_PER_PASS = 5
"""Memory for the maps of all layers at once, in that of one plain pass, about."""


@dataclass(frozen=True)
class TopActivations:
    """The images that drive each unit of a layer hardest, hardest first; an image counts once, at its hardest place.

    Args:
        layer: the name of a convolution.
        values: shape (units, kept), the activity, descending.
        images: shape (units, kept), positions of the images.
        rows: shape (units, kept), where in the unit's map.
        columns: shape (units, kept).
        active: shape (units,), the fraction of all places of all images where the unit is above 0; 0 to 1.
        rectified: a ReLU follows the layer at once.
    """

    layer: str
    values: Float[np.ndarray, "units kept"]
    images: Int64[np.ndarray, "units kept"]
    rows: Int64[np.ndarray, "units kept"]
    columns: Int64[np.ndarray, "units kept"]
    active: Float[np.ndarray, "units"]
    rectified: bool = True

    def state(self, unit: int) -> str:
        """ "dead" (never above 0 on the images), "saturated" (above 0 everywhere: its ReLU does nothing), or "".

        A unit whose activity is constant is one or the other. Always "" where no ReLU follows at once, as before the
        sum of a residual block.
        """
        if not self.rectified:
            return ""
        if self.active[unit] == 0:
            return "dead"
        return "saturated" if self.active[unit] == 1 else ""

    def note(self) -> str:
        """A sentence where units of the layer are dead or saturated; empty where none is."""
        count = len(self.active)
        parts = []
        for word, meaning in (("dead", "never above 0"), ("saturated", "above 0 everywhere")):
            found = sum(self.state(unit) == word for unit in range(count))
            if found:
                parts.append(f"{found} of {count} units {word} ({meaning} on these images)")
        return f"Layer {self.layer}: {' and '.join(parts)}." if parts else ""


def top_activations(
    network: nn.Module,
    pixels: Pixels,
    layers: Sequence[str] | None = None,
    *,
    keep: int = IMAGES_PER_UNIT,
    batch: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, TopActivations]:
    """The images that drive each unit hardest, in one pass; memory for one batch, however many images there are.

    Args:
        network: used in evaluation mode.
        pixels: shape (images, channels, height, width), uint8; may be a memory map.
        layers: names of convolutions; None for all.
        keep: images per unit; fewer where there are fewer.
        batch: images at a time; None for what suits their size.
        on_progress: called with (done, total).
    Returns:
        by layer; among equals the earlier image comes first.
    Raises:
        UsageError: no such layer, or `keep` below 1.
        ShapeError: no images, or not four axes of uint8.
    """
    if pixels.ndim != 4 or pixels.dtype != np.uint8 or len(pixels) == 0:
        raise ShapeError(
            f"top_activations() needs uint8 (images, channels, height, width), not {pixels.dtype} {pixels.shape}."
        )
    if keep < 1:
        raise UsageError(f"keep must be at least 1, not {keep}.")
    names = tuple(conv_layers(network) if layers is None else layers)
    batch = max(1, batch_for(pixels.shape) // MAPS_PER_PASS) if batch is None else batch
    reader = activity_network(network, names)
    device = next(network.parameters()).device
    tops: dict[str, _Top] = {}
    with torch.inference_mode(), evaluation_mode(reader):
        for start in range(0, len(pixels), batch):
            part = torch.from_numpy(pixels[start : start + batch].copy()).to(device)
            for name, maps in zip(names, reader(as_input(part)), strict=True):
                tops[name] = _merge(tops.get(name), maps, start, keep)
            if on_progress:
                on_progress(min(start + batch, len(pixels)), len(pixels))
    rectified = layers_with_relu(network, names)
    return {name: _as_top_activations(name, top, name in rectified) for name, top in tops.items()}


@dataclass(frozen=True)
class _Top:
    """Values, image positions and places of shape (units, kept); places above 0 of each unit, and all places."""

    values: Tensor
    images: Tensor
    places: Tensor
    above: Tensor
    seen: int
    width: int


def _merge(top: _Top | None, maps: Tensor, start: int, keep: int) -> _Top:
    flat = maps.flatten(2)  # (batch, units, places)
    above, seen = (flat > 0).sum((0, 2)), flat.shape[0] * flat.shape[2]
    values, places = flat.max(2)
    values, places = values.T, places.T  # (units, batch)
    images = torch.arange(start, start + len(maps), device=maps.device).expand_as(places)
    if top is not None:
        values = torch.cat([top.values, values], 1)
        images = torch.cat([top.images, images], 1)
        places = torch.cat([top.places, places], 1)
        above, seen = above + top.above, seen + top.seen
    # Stable, so that the same images give the same answer in batches of any size.
    values, order = values.sort(dim=1, descending=True, stable=True)
    order = order[:, :keep]
    return _Top(values[:, :keep], images.gather(1, order), places.gather(1, order), above, seen, maps.shape[3])


def _as_top_activations(name: str, top: _Top, rectified: bool) -> TopActivations:
    return TopActivations(
        layer=name,
        values=top.values.cpu().numpy(),
        images=top.images.cpu().numpy(),
        rows=(top.places // top.width).cpu().numpy(),
        columns=(top.places % top.width).cpu().numpy(),
        active=top.above.cpu().numpy().astype(np.float64) / top.seen,
        rectified=rectified,
    )
