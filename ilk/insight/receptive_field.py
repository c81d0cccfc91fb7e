"""The exact receptive field of every unit of every layer, through any branches and joins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from ilk.errors import UsageError
from ilk.insight import fields
from ilk.insight.fields import NARROW, ROWS, SEEN, WIDE, Field
from ilk.insight.operation import FEATURES, MIXING, PICK, POINTWISE, REDUCTION, STRUCTURE, WINDOW, Operation
from ilk.insight.trace import trace
from ilk.insight.windows import windows_of


@dataclass(frozen=True)
class ReceptiveField:
    """What the units of one layer see; every pair is (height, width), in pixels.

    Unit i of a map sees the pixels from offset + i·stride up to, not including, offset + i·stride + size; where
    that leaves the image it sees padding.

    Args:
        size: of the smallest interval that holds all that a unit sees, on an image without an edge.
        stride: from a unit to the next; None for vectors, and where the units are not evenly spread.
        offset: of the first unit's interval; below 0 where padding comes first.
        least_size: the same along the narrowest path: where branches join, the narrowest of them.
        least_offset: of that path.
        field: the numbers of every unit.
    """

    size: tuple[int, int]
    stride: tuple[int | None, int | None]
    offset: tuple[int, int]
    least_size: tuple[int, int]
    least_offset: tuple[int, int]
    field: Field

    def patch(self, *unit: int) -> tuple[int, int, int, int] | None:
        """The pixels of the image that reach a unit: (top, left, bottom, right), the last two not included.

        Args:
            unit: (channel, row, column) of a map, or (position,) of a vector.
        Returns:
            exact also at the edge, where padding cuts off a part; None for a unit that sees padding alone.
        Raises:
            UsageError: the layer has no such unit.
        """
        shape = self.field.shape[1:]
        if len(unit) != len(shape) or not all(0 <= at < length for at, length in zip(unit, shape, strict=True)):
            raise UsageError(f"There is no unit {unit} in a layer of shape {tuple(shape)}, counted from 0.")
        index: tuple[Any, ...] = (slice(SEEN, None, 3), *unit)
        (top, bottom), (left, right) = (fields.expand_axis(self.field, axis)[index].tolist() for axis in range(2))
        return (top, left, bottom, right) if top < bottom and left < right else None


def receptive_fields(network: nn.Module, *, channels: int, size: tuple[int, int]) -> dict[str, ReceptiveField]:
    """The receptive field of every layer by its name; an operation without a module has its place and kind as name.

    Args:
        network: any that torch.fx can trace, from images; judged in evaluation mode, and left as it is.
        channels: of the images.
        size: (height, width) of the images in pixels.
    Returns:
        in the order of computation. Operations that give several tensors are left out.
    Raises:
        UsageError: the network cannot be traced, holds a step of an unknown kind, or is given too small images.
    Source:
        Araujo, Norris & Sim 2019, "Computing receptive fields of convolutional neural networks". Differs: every unit
        is followed, so that edges, adaptive pools, groups and branches are exact.
    Example:
        >>> two = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3))
        >>> receptive_fields(two, channels=1, size=(9, 9))["1"].size
        (5, 5)
    """
    steps = trace(network, (ROWS, channels, *size))
    return {name: summary(field) for name, field in propagate(steps, channels, size).items()}


def propagate(steps: list[Operation], channels: int, size: tuple[int, int]) -> dict[str, Field]:
    """The field of every step that gives one tensor, by the step's name; arguments as for `receptive_fields()`."""
    known: dict[fx.Node, Any] = {}
    found: dict[str, Field] = {}
    for step in steps:
        for node in step.node.all_input_nodes:
            if node.op == "placeholder":
                known[node] = fields.image_field(channels, size)
        inputs = fx.node.map_arg((step.node.args, step.node.kwargs), known.get)
        carried = RULES[step.rule](step, *inputs)
        known[step.node] = step.output if carried is None else carried
        if isinstance(known[step.node], Field):
            found[step.name] = known[step.node]
    return found


def summary(field: Field) -> ReceptiveField:
    """A layer's figures: those of its first unit over all channels; of a vector, its widest and its narrowest unit."""
    numbers = []
    for axis, values in enumerate(field.axes):
        if len(field.shape) == 4:
            first = fields.branch_hull(values, 1)
            if field.strides[axis] is None:  # the widest unit stands for all
                widest = (first[WIDE + 3] - first[WIDE]).flatten().argmax()
                numbers.append(first.flatten(1)[:, widest].tolist())
            else:
                numbers.append(first[:, 0, 0, 0].tolist())
        else:
            flat = values.flatten(1)
            least = flat[NARROW + 3] - flat[NARROW]
            wide = flat[:, (flat[WIDE + 3] - flat[WIDE]).argmax()].tolist()
            narrow = flat[:, least.masked_fill(least <= 0, fields.BEYOND).argmin()].tolist()
            numbers.append([*wide[:NARROW], narrow[NARROW], *wide[NARROW + 1 : -1], narrow[-1]])
    height, width = numbers
    return ReceptiveField(
        (height[WIDE + 3] - height[WIDE], width[WIDE + 3] - width[WIDE]),
        field.strides,
        (height[WIDE], width[WIDE]),
        (height[NARROW + 3] - height[NARROW], width[NARROW + 3] - width[NARROW]),
        (height[NARROW], width[NARROW]),
        field,
    )


def _operands(*given: object) -> list[Field]:
    """The fields among arguments, however deep."""
    found: list[Field] = []
    for item in given:
        if isinstance(item, Field):
            found.append(item)
        elif isinstance(item, list | tuple):
            found += _operands(*item)
        elif isinstance(item, dict):
            found += _operands(*item.values())
    return found


def _window(step: Operation, args: Any, kwargs: Any) -> Field:
    (field,) = _operands(args, kwargs)
    if step.kind == "conv":
        weight = step.weight
        assert weight is not None
        field = fields.group_channels(field, step.setting("groups"), weight.shape[0])
    return fields.apply_windows(field, windows_of(step), tuple(step.output.shape))


def _pointwise(step: Operation, args: Any, kwargs: Any) -> Field:
    operands = _operands(args, kwargs)
    shape = tuple(step.output.shape)
    if len(operands) == 1 and operands[0].shape == shape:
        return operands[0]
    return fields.broadcast_fields(operands, shape)


def _features(step: Operation, args: Any, kwargs: Any) -> Field:
    (field,) = _operands(args, kwargs)
    last = len(field.shape) - 1
    axes = [fields.branch_hull(values, last) for values in field.axes]
    return fields.combined_field((axes[0], axes[1]), [field], tuple(step.output.shape))


def _reduction(step: Operation, args: Any, kwargs: Any) -> object:
    (field, *others) = _operands(args, kwargs)
    ndim, dim = len(field.shape), step.setting("dim")
    dims = [dim] if isinstance(dim, int) else list(dim or range(ndim))
    dims = [at % ndim for at in dims]
    if others or 0 in dims:
        raise UsageError(f"{step.name} takes {step.kind} over other axes than those of one image: give it a dim.")
    axes = []
    for numbers in field.axes:
        reduced = numbers
        for at in dims:
            reduced = fields.hull(reduced, at) if ndim == 4 and at > 1 else fields.branch_hull(reduced, at)
        axes.append(reduced if step.setting("keepdim") else reduced.squeeze(tuple(dims)))
    several = isinstance(step.output, tuple)
    shape = tuple(step.output[0].shape if several else step.output.shape)
    found = fields.combined_field((axes[0], axes[1]), [field], shape)
    return _Fields([found, found]) if several else found


def _mixing(step: Operation, args: Any, kwargs: Any) -> Field:
    (field,) = _operands(args, kwargs)
    if step.kind == "LRN":
        size, channels = step.setting("size"), field.shape[1]
        near = torch.arange(channels)[:, None] - size // 2 + torch.arange(size)
        axes = [_channel_hull(values, near.clamp(0, channels - 1)) for values in field.axes]
    else:
        dim = step.setting("dim")
        if dim is None or dim % len(field.shape) == 0:
            raise UsageError(f"{step.name} needs a dim, and not that of the batch.")
        dim %= len(field.shape)
        axes = [fields.branch_hull(values, dim) for values in field.axes]
    return fields.combined_field((axes[0], axes[1]), [field], field.shape)


def _channel_hull(values: Tensor, near: Tensor) -> Tensor:
    if values.shape[1] == 1:
        return values
    return fields.branch_hull(values.index_select(1, near.flatten()).unflatten(1, tuple(near.shape)), 2).squeeze(2)


class _Fields(list[Any]):
    """The fields of a step that gives several tensors."""

    @property
    def values(self) -> Field:
        """As in `x.max(1).values`."""
        return self[0]


def _structure(step: Operation, args: Any, kwargs: Any) -> object:
    """The same move, applied to the numbers of each axis."""
    sources = _operands(args, kwargs)
    outputs = [step.output] if isinstance(step.output, Tensor) else list(step.output)
    of_channels = step.kind in ("concatenate", "split") and all(
        output.ndim == 4 and output.shape[2:] == source.shape[2:] for output in outputs for source in sources
    )
    results = [_apply_to_rows(step.function, axis, args, kwargs, sources if of_channels else []) for axis in range(2)]
    if isinstance(step.output, Tensor):
        results = [[one] for one in results]
    found = _Fields(
        _require_separate_images(step, fields.combined_field((first, second), sources, tuple(output.shape)))
        for first, second, output in zip(*results, outputs, strict=True)
    )
    return found[0] if isinstance(step.output, Tensor) else found


def _apply_to_rows(function: Callable[..., Any], axis: int, args: Any, kwargs: Any, short: list[Field]) -> Any:
    """What the function makes of the numbers; where only channels are moved (`short`), the other axes stay short."""
    lengths = [max(field.axes[axis].shape[dim] for field in short) for dim in (2, 3)] if short else []

    def numbers(item: object) -> object:
        if isinstance(item, Field):
            shape = (ROWS, item.shape[1], *lengths) if short else item.shape
            return item.axes[axis].expand(shape).contiguous()
        return [numbers(part) for part in item] if isinstance(item, list | tuple) else item

    words = {key: numbers(value) for key, value in kwargs.items()}
    return function(*(numbers(item) for item in args), **words)


def _require_separate_images(step: Operation, field: Field) -> Field:
    whole = all(
        values.shape[0] == ROWS and all(n in (1, m) for n, m in zip(values.shape[1:], field.shape[1:], strict=True))
        for values in field.axes
    )
    if not whole or field.shape[0] != ROWS:
        raise UsageError(f"{step.name} mixes the images of a batch, so its units have no receptive field.")
    return field


def _pick(step: Operation, args: Any, kwargs: Any) -> object:
    if isinstance(args[0], Field) and isinstance(step.output, Tensor):
        return _structure(step, args, kwargs)
    if isinstance(args[0], _Fields):
        return args[0][args[1]] if isinstance(args[1], int) else args[0].values
    return None


RULES: dict[str, Callable[[Operation, Any, Any], Any]] = {
    WINDOW: _window,
    POINTWISE: _pointwise,
    REDUCTION: _reduction,
    FEATURES: _features,
    MIXING: _mixing,
    STRUCTURE: _structure,
    PICK: _pick,
}
