"""The shape of an operation's output, by arithmetic.

Run on the meta device, the commonest steps would import two seconds' worth of PyTorch's compiler, only to find a shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ilk.insight.operation import POINTWISE, Operation
from ilk.insight.windows import output_size

Shape = tuple[int, ...]


def shape_of(step: Operation) -> Shape | None:
    """The shape of a step's output, from its arguments; None where only running it tells.

    Raises:
        ValueError: the input does not fit the weights, or is smaller than a kernel.
    """
    if step.kind in SHAPE_RULES:
        return SHAPE_RULES[step.kind](step)
    return broadcast_shape(step) if step.rule == POINTWISE else None


def weight_shape(step: Operation) -> Shape:
    """What a convolution or linear layer gives."""
    assert step.weight is not None
    features, length = step.weight.shape[:2]
    given = step.args[0].shape
    conv = step.kind == "conv"
    wanted, got = (length * step.setting("groups"), given[1]) if conv else (length, given[-1])
    if wanted != got:
        raise ValueError(f"its weights are for {wanted} {'channels' if conv else 'numbers'}, not {got}")
    return (given[0], features, *output_size(step)) if conv else (*given[:-1], features)


def pool_shape(step: Operation) -> Shape | None:
    """What a pool with windows of one size gives."""
    given = step.args[0].shape
    positions = step.kind == "max pool" and step.setting("return_indices")
    return None if positions or len(given) != 4 else (*given[:2], *output_size(step))


def adaptive_pool_shape(step: Operation) -> Shape | None:
    """What a pool gives that is told the size of its output."""
    given, asked = step.args[0].shape, step.setting("output_size")
    if step.setting("return_indices") or len(given) != 4:
        return None
    asked = (asked, asked) if isinstance(asked, int) else asked
    return (*given[:2], *(size if to is None else to for size, to in zip(given[2:], asked, strict=True)))


def normalization_shape(step: Operation) -> Shape | None:
    """What a normalization gives that keeps the shape, where its settings are those of such an input."""
    given = tuple(step.args[0].shape)
    if step.kind == "normalize" and step.setting("dim") not in range(len(given)):
        return None
    return None if step.kind == "batch norm" and step.module is None else given


def concatenation_shape(step: Operation) -> Shape | None:
    """What a concatenation of maps gives, if it is along their channels and they fit."""
    shapes = [tuple(item.shape) for item in step.setting("tensors")]
    others = {(shape[0], *shape[2:]) for shape in shapes}
    if step.function is torch.stack or step.setting("dim") != 1 or len(others) > 1:
        return None
    return (shapes[0][0], sum(shape[1] for shape in shapes), *shapes[0][2:])


def broadcast_shape(step: Operation) -> Shape:
    """What arithmetic on its operands gives."""
    operands = [item for item in (*step.args, *step.kwargs.values()) if isinstance(item, Tensor)]
    return _common_shape([tuple(item.shape) for item in operands])


def _common_shape(shapes: Sequence[Shape]) -> Shape:
    ndim = max(map(len, shapes))
    columns = zip(*((1,) * (ndim - len(shape)) + shape for shape in shapes), strict=True)
    lengths = [set(column) - {1} for column in columns]
    if any(len(found) > 1 for found in lengths):
        raise ValueError(f"what it is given has shapes that do not fit: {' and '.join(map(str, shapes))}")
    return tuple(found.pop() if found else 1 for found in lengths)


SHAPE_RULES: dict[str, Callable[[Operation], Shape | None]] = {
    **dict.fromkeys(("conv", "linear"), weight_shape),
    **dict.fromkeys(("max pool", "average pool", "LP pool"), pool_shape),
    **dict.fromkeys(("adaptive average pool", "adaptive max pool"), adaptive_pool_shape),
    **dict.fromkeys(("batch norm", "LRN", "normalize"), normalization_shape),
    "concatenate": concatenation_shape,
}
"""How the shape is found, by kind; what only works on each number is broadcast."""
