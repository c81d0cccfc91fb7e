"""What a unit sees: for each of its images, the patch that its receptive field covers and the deconvolution in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import nn

from ilk.insight.activations import TopActivations
from ilk.insight.deconvolution import deconvolve
from ilk.insight.receptive_field import ReceptiveField, receptive_fields
from ilk.networks import as_input
from ilk.networks.graph import graph_of
from ilk.shapes import Pixels

NUMBERS_PER_BATCH = 3_000_000
"""Numbers in the images of one deconvolution; the maps of a deep network take about fifty times as many."""


@dataclass(frozen=True)
class Patch:
    """What a unit sees in one image.

    Args:
        pixels: uint8, what the receptive field covers; of a field as large as the image, a patch of the image's size.
        signal: the deconvolution in the same place, any scale.
        inside: False beyond the image and beyond the field; pixels and signal are 0 there.
        value: the activity.
        image: the position of the image.
        box: where in the image the patch lies: (top, left, bottom, right), the last two not included.
    """

    pixels: UInt8[np.ndarray, "channels height width"]
    signal: Float[np.ndarray, "channels height width"]
    inside: Bool[np.ndarray, "height width"]
    value: float
    image: int
    box: tuple[int, int, int, int]


def unit_patches(
    network: nn.Module, pixels: Pixels, top: TopActivations, units: Sequence[int]
) -> dict[int, list[Patch]]:
    """For each of these units, what it sees in the images that drive it hardest; an empty list for a dead unit.

    Args:
        network: used in evaluation mode.
        pixels: the images that `top` was found on.
        top: of one layer.
        units: of that layer.
    Raises:
        UsageError: a step below the layer has no way back.
    """
    shape = pixels.shape[1:]
    field = receptive_fields(graph_of(network), channels=shape[0], size=shape[1:])[top.layer]
    found: dict[int, list[Patch]] = {unit: [] for unit in units}
    wanted = [(unit, rank) for unit in units for rank in range(top.values.shape[1]) if top.values[unit, rank] > 0]
    step = max(1, NUMBERS_PER_BATCH // int(np.prod(shape)))
    for start in range(0, len(wanted), step):
        part = wanted[start : start + step]
        chosen = pixels[[int(top.images[pair]) for pair in part]]
        at = [(int(top.rows[pair]), int(top.columns[pair])) for pair in part]
        images = as_input(torch.from_numpy(chosen)).to(next(network.parameters()).device)
        signals = deconvolve(network, images, top.layer, [unit for unit, _ in part], at).pixels.cpu().numpy()
        for pair, place, image, signal in zip(part, at, chosen, signals, strict=True):
            box = patch_box(field, (pair[0], *place), shape[1:])
            patch, inside = crop(image, box)
            covered = crop(_field_mask(field.patch(pair[0], *place), shape[1:]), box)[0][0]
            number = int(top.images[pair])
            seen = (patch * covered, crop(signal, box)[0] * covered, inside & covered)
            found[pair[0]].append(Patch(*seen, float(top.values[pair]), number, box))
    return found


def patch_box(field: ReceptiveField, unit: tuple[int, int, int], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The pixels that a unit sees, (top, left, bottom, right); along an axis that the field fills, the whole image."""
    clipped = field.patch(*unit) or (0, 0, *shape)
    begins, ends = [], []
    for axis in (0, 1):
        stride = field.stride[axis]
        if field.size[axis] >= shape[axis]:
            begin, end = 0, shape[axis]
        elif stride is None:
            begin, end = clipped[axis], clipped[axis + 2]
        else:
            begin = field.offset[axis] + unit[1 + axis] * stride
            end = begin + field.size[axis]
        begins.append(begin)
        ends.append(end)
    return begins[0], begins[1], ends[0], ends[1]


def _field_mask(patch: tuple[int, int, int, int] | None, shape: tuple[int, ...]) -> np.ndarray:
    """True for the pixels of the image that a field covers; shape (1, height, width)."""
    top, left, bottom, right = patch or (0, 0, 0, 0)
    within = np.zeros((1, *shape), dtype=bool)
    within[:, top:bottom, left:right] = True
    return within


def crop(array: np.ndarray, box: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A box of an array (channels, height, width), 0 outside of it, and where it is inside."""
    top, left, bottom, right = box
    height, width = array.shape[1:]
    result = np.zeros((array.shape[0], bottom - top, right - left), dtype=array.dtype)
    inside = np.zeros(result.shape[1:], dtype=bool)
    rows = slice(max(0, top), min(height, bottom))
    columns = slice(max(0, left), min(width, right))
    place = (slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left))
    result[:, *place] = array[:, rows, columns]
    inside[place] = True
    return result, inside


def as_gray(signal: Float[np.ndarray, "channels height width"]) -> UInt8[np.ndarray, "channels height width"]:
    """A signal to look at: 0 is mid-gray, its largest size black or white; all mid-gray where there is none."""
    largest = float(np.abs(signal).max(initial=0))
    shown = np.zeros_like(signal) if largest == 0 else signal / largest
    return np.round(127.5 + 127.5 * shown).astype(np.uint8)
