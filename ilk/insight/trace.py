"""A network as a list of operations with their names, kinds and output shapes; nothing is computed."""

from __future__ import annotations

import copy
from collections import Counter
from dataclasses import replace
from typing import Any

import torch
from torch import fx, nn

from ilk.errors import UsageError
from ilk.insight.operation import OPERATION_KINDS, PICK, STRUCTURE, Operation
from ilk.insight.output_shapes import shape_of
from ilk.networks.graph import graph_of


def trace(network: nn.Module, shape: tuple[int, int, int, int]) -> list[Operation]:
    """The operations of a network in evaluation mode, in the order of computation.

    The network is not changed, and no memory but its own is needed: shapes are found on the meta device.

    Args:
        network: images to anything.
        shape: (batch, channels, height, width) of its input.
    Raises:
        UsageError: it cannot be traced, a step is of a kind that is not known, or the images are too small for it.
    """
    runner = _Tracer(graph_of(_meta_copy(network).eval()))
    try:
        runner.run(torch.empty(shape, device="meta"))
    except UsageError:
        raise
    except Exception as error:
        height, width = shape[2:]
        first = str(error).splitlines()[0].rstrip(".")
        raise UsageError(
            f"{runner.at}: {first}. The images are {height}×{width} pixels with {shape[1]} channels: "
            "give a larger `size`, or other `channels`."
        ) from error
    return runner.steps


def _meta_copy(network: nn.Module) -> nn.Module:
    """A copy whose tensors hold no data."""
    memo: dict[int, Any] = {id(buffer): buffer.to("meta") for buffer in network.buffers()}
    for parameter in network.parameters():
        memo[id(parameter)] = nn.Parameter(parameter.detach().to("meta"), parameter.requires_grad)
    return copy.deepcopy(network, memo)


class _Tracer(fx.Interpreter):
    """Runs a graph on the meta device and keeps its steps."""

    def __init__(self, graph_module: fx.GraphModule) -> None:
        super().__init__(graph_module, garbage_collect_values=False)
        self.steps: list[Operation] = []
        self.at = "input"
        self._seen: Counter[str] = Counter()

    def run_node(self, n: fx.Node) -> Any:
        if n.op not in ("call_module", "call_function", "call_method"):
            return super().run_node(n)
        module = self.fetch_attr(str(n.target)) if n.op == "call_module" else None
        self.at, called = _place_name(n), _operation_name(n, module)
        rule, kind = _rule_and_kind(n, self.at, called, module)
        args, kwargs = self.fetch_args_kwargs_from_env(n)
        self._seen[self.at] += 1
        name = self.at if self._seen[self.at] == 1 else f"{self.at}:{self._seen[self.at]}"
        function: Any = module or (getattr(torch.Tensor, str(n.target)) if n.op == "call_method" else n.target)
        step = Operation(name, rule, kind, n, module, function, tuple(args), dict(kwargs), None)
        shape = shape_of(step)
        output = super().run_node(n) if shape is None else torch.empty(shape, device="meta")
        self.steps.append(replace(step, output=output))
        return output


def _operation_name(node: fx.Node, module: nn.Module | None) -> str:
    """The name under which `OPERATION_KINDS` knows a step."""
    if module is not None:
        return type(module).__name__
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))


def _place_name(node: fx.Node) -> str:
    """Where a step stands, in the words of the network."""
    if node.op == "call_module":
        return str(node.target)
    stack = list(node.meta.get("nn_module_stack", {}))
    called = _operation_name(node, None).strip("_")
    return f"{stack[-1]}.{called}" if stack and stack[-1] else called


def _rule_and_kind(node: fx.Node, name: str, called: str, module: nn.Module | None) -> tuple[str, str]:
    """The rule and the word of a step.

    Raises:
        UsageError: there is none.
    """
    home = type(module).__module__ if module is not None else getattr(node.target, "__module__", None)
    own = node.op == "call_method" or home is None or home.split(".")[0] in ("torch", "_operator", "builtins")
    if not own or called not in OPERATION_KINDS:
        known = ", ".join(sorted({word for rule, word in OPERATION_KINDS.values() if rule not in (PICK, STRUCTURE)}))
        raise UsageError(
            f"{name} is of a kind whose receptive field is not known: {called}. Known: {known}; "
            "and what only moves values, such as flatten, cat, split, view, permute."
        )
    return OPERATION_KINDS[called]
