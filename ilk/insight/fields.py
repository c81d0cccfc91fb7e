"""Receptive fields as numbers beside the units of a layer, and how windows, joins and reshapes carry them on.

A layer's units hold six numbers for height and six for width. `SEEN` is the interval of pixels that truly reaches a
unit, without what padding cuts off; `WIDE` the interval on an image without an edge; `NARROW` the same along the
narrowest path: where branches join, the narrowest of them, and every window in full. They lie where the batch lies in
the network's own tensors, so that what only moves units is applied to them as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ilk.insight.windows import Windows

ROWS = 6
LOWS, HIGHS = slice(0, 3), slice(3, 6)
SEEN, WIDE, NARROW = 0, 1, 2
"""The row where an interval begins; three rows on it ends, with the first pixel that is outside."""

BEYOND = 2**40
EMPTY_INTERVALS = torch.tensor([BEYOND, BEYOND, BEYOND, -BEYOND, -BEYOND, -BEYOND])


@dataclass(frozen=True)
class Field:
    """The receptive fields of all units of one layer.

    Args:
        axes: for height and for width, shape (ROWS, channels, height, width) or whatever the layer gives; an axis
            along which nothing changes has length 1.
        strides: pixels from one unit to the next along height and width; None where they are not evenly spread.
        shape: of the layer's output, with ROWS in place of the batch.
    """

    axes: tuple[Tensor, Tensor]
    strides: tuple[int | None, int | None]
    shape: tuple[int, ...]


def image_field(channels: int, size: tuple[int, int]) -> Field:
    """The field of the image itself: each pixel sees itself."""
    rows, columns = torch.arange(size[0]).reshape(1, 1, -1, 1), torch.arange(size[1]).reshape(1, 1, 1, -1)
    ends = torch.tensor([0, 0, 0, 1, 1, 1]).reshape(ROWS, 1, 1, 1)
    return Field((rows + ends, columns + ends), (1, 1), (ROWS, channels, *size))


def hull(values: Tensor, dim: int) -> Tensor:
    """The smallest intervals that hold all along an axis, which is kept with length 1."""
    return torch.cat([values[LOWS].amin(dim, keepdim=True), values[HIGHS].amax(dim, keepdim=True)])


def branch_hull(values: Tensor, dim: int) -> Tensor:
    """As `hull()`, but for the narrow path, which takes only the narrowest of the branches along the axis."""
    low, high = values[NARROW], values[NARROW + 3]
    length = high - low
    other = length > length.amin(dim - 1, keepdim=True)
    values = values.clone()
    values[NARROW], values[NARROW + 3] = low.masked_fill(other, BEYOND), high.masked_fill(other, -BEYOND)
    return hull(values, dim)


def group_channels(field: Field, groups: int, channels_out: int) -> Field:
    """Every unit sees the channels of its group; the channels after that are `channels_out`."""

    def mixed(values: Tensor) -> Tensor:
        if values.shape[1] == 1:
            return values
        parts = branch_hull(values.unflatten(1, (groups, -1)), 2).squeeze(2)
        return squeeze_constant(parts.repeat_interleave(channels_out // groups, 1))

    first, second = (mixed(values) for values in field.axes)
    return Field((first, second), field.strides, (ROWS, channels_out, *field.shape[2:]))


def apply_windows(field: Field, windows: tuple[Windows, Windows], shape: tuple[int, ...]) -> Field:
    """Every unit sees a window of height and a window of width in its own channel."""
    axes = _clear_padding([_window_axis(field, axis, windows) for axis in range(2)])
    strides = [
        None if stride is None or window.stride is None else stride * window.stride
        for stride, window in zip(field.strides, windows, strict=True)
    ]
    return Field((axes[0], axes[1]), (strides[0], strides[1]), shape)


def _window_axis(field: Field, axis: int, windows: tuple[Windows, Windows]) -> Tensor:
    """One axis of the image; its numbers change along the same axis of the map, and seldom along the other."""
    found = field.axes[axis]
    for along, window in enumerate(windows):
        dim = along + 2
        if along == axis:
            found = found.expand(*found.shape[:dim], field.shape[dim], *found.shape[dim + 1 :])
            found = _window_hull(found, dim, window, field.strides[axis])
        elif found.shape[dim] > 1:
            whole = _window_hull(found, dim, replace(window, real=torch.ones_like(window.real)), None)
            found = _window_hull(found, dim, window, None)
            for row in (WIDE, NARROW):  # beyond the other edge they are as at it
                found[row], found[row + 3] = whole[row], whole[row + 3]
    return found


def _clear_padding(axes: list[Tensor]) -> list[Tensor]:
    """A unit whose window lies in the padding along one axis sees nothing along the other either."""
    empty = [values[SEEN] >= values[SEEN + 3] for values in axes]
    for axis, nothing in enumerate(reversed(empty)):
        if nothing.any():
            shape = torch.broadcast_tensors(axes[axis][SEEN], nothing)[0].shape
            values = axes[axis].expand(ROWS, *shape).clone()
            values[SEEN].masked_fill_(nothing, BEYOND)
            values[SEEN + 3].masked_fill_(nothing, -BEYOND)
            axes[axis] = values
    return axes


def _window_hull(values: Tensor, dim: int, window: Windows, stride: int | None) -> Tensor:
    inside = window.taps.clamp(0, values.shape[dim] - 1)
    taps = values.index_select(dim, inside.flatten()).unflatten(dim, tuple(inside.shape))
    real = window.real.reshape(*window.real.shape, *[1] * (values.ndim - 1 - dim))
    taps = torch.where(real, taps, EMPTY_INTERVALS.reshape(-1, *[1] * (taps.ndim - 1)))
    found = hull(taps, dim + 1).squeeze(dim + 1)
    if stride is None or window.stride is None:
        return found
    # Beyond the edge the layer would go on as it does inside.
    beyond = ((window.taps - inside) * stride).reshape(*inside.shape, *[1] * (values.ndim - 1 - dim))
    first = values.index_select(dim, inside[:, 0]) + beyond[:, 0]
    last = values.index_select(dim, inside[:, -1]) + beyond[:, -1]
    for row in (WIDE, NARROW):
        found[row], found[row + 3] = first[row], last[row + 3]
    return found


def broadcast_fields(fields: list[Field], shape: tuple[int, ...]) -> Field:
    """Every unit sees the units at its place in each of several layers, broadcast as in arithmetic."""
    axes = []
    for axis in range(2):
        equal = torch.broadcast_tensors(*(_pad_dimensions(field.axes[axis], len(shape)) for field in fields))
        axes.append(branch_hull(torch.stack(equal, -1), len(shape)).squeeze(-1))
    return combined_field((axes[0], axes[1]), fields, shape)


def combined_field(axes: tuple[Tensor, Tensor], sources: list[Field], shape: tuple[int, ...]) -> Field:
    """A field made from others: its strides are theirs where its units are still as evenly spread."""
    axes = (squeeze_constant(axes[0]), squeeze_constant(axes[1]))
    strides: list[int | None] = [None, None]
    for axis in range(2) if len(shape) == 4 else ():
        known = {source.strides[axis] for source in sources}
        stride = known.pop() if len(known) == 1 else None
        if stride is not None and _evenly_spaced(axes[axis][1:3], axis + 2, shape[axis + 2], stride):
            strides[axis] = stride
    return Field(axes, (strides[0], strides[1]), shape)


def _evenly_spaced(values: Tensor, dim: int, length: int, stride: int) -> bool:
    return values.shape[dim] == length and bool((values.diff(dim=dim) == stride).all())


def _pad_dimensions(values: Tensor, ndim: int) -> Tensor:
    return values.reshape(ROWS, *[1] * (ndim - values.ndim), *values.shape[1:])


def expand_axis(field: Field, axis: int) -> Tensor:
    """The numbers of one axis of the image for every unit, at the layer's full shape."""
    return field.axes[axis].expand(field.shape)


def squeeze_constant(values: Tensor) -> Tensor:
    """The same numbers with length 1 along every axis where nothing changes."""
    for dim in range(1, values.ndim):
        first = values.narrow(dim, 0, 1)
        if values.shape[dim] > 1 and bool((values == first).all()):
            values = first
    return values
