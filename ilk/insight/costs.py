"""Costs of an operation: its learned parameters, and its multiplications for one image."""

from __future__ import annotations

from torch import Tensor

from ilk.insight.operation import Operation


def multiply_adds(step: Operation) -> int:
    """Multiplications, each with its addition, for one image: those of convolutions and linear layers.

    Pools, norms, activations, biases and sums are not counted, as in the papers. Half the floating-point operations of
    `torch.utils.flop_counter`.
    """
    weight = step.weight
    if weight is None:
        return 0
    output: Tensor = step.output
    return output[0].numel() * weight[0].numel()


def parameters(step: Operation, counted: set[int]) -> int:
    """Learned numbers of a step that are not counted yet; `counted` holds what is, and is added to."""
    held = list(step.module.parameters()) if step.module is not None else list(step.held)
    new = [tensor for tensor in held if id(tensor) not in counted]
    counted.update(id(tensor) for tensor in new)
    return sum(tensor.numel() for tensor in new)
