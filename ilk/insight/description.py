"""A network as a table of its layers: shapes, receptive fields, parameters, multiply-adds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx, nn

from ilk.insight.costs import multiply_adds, parameters
from ilk.insight.fields import ROWS
from ilk.insight.operation import PICK, WINDOW, Operation
from ilk.insight.receptive_field import ReceptiveField, propagate, summary
from ilk.insight.trace import trace

INPUT = "input"


@dataclass(frozen=True)
class Layer:
    """One step of a network.

    Args:
        name: as in the network's modules; of an operation without a module, its place and kind.
        kind: a word for readers: conv, max pool, batch norm, add, concatenate, …
        window: of a convolution or pool, as in papers: `7×7/2` is a kernel of 7×7 pixels at stride 2; else empty.
        inputs: the names of the layers before it; "input" is the image.
        output_shape: for one image, (channels, height, width) or (dim,); of several tensors, that of the first.
        receptive_field: None for operations that give several tensors.
        parameters: learned numbers; a module that is used twice has them once.
        multiply_adds: for one image, see `multiply_adds()`.
    """

    name: str
    kind: str
    window: str
    inputs: tuple[str, ...]
    output_shape: tuple[int, ...]
    receptive_field: ReceptiveField | None
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Description:
    """A network in figures.

    Args:
        layers: in the order of computation.
        parameters: learned numbers of the whole network.
        multiply_adds: for one image.
    """

    layers: tuple[Layer, ...]
    parameters: int
    multiply_adds: int

    def as_json(self) -> dict[str, Any]:
        """The same as plain values; pairs are [height, width] in pixels."""
        return {
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "layers": [_plain(layer) for layer in self.layers],
        }


def describe(network: nn.Module, *, channels: int, size: tuple[int, int]) -> Description:
    """Every layer's output shape, receptive field, parameters and multiply-adds; nothing is computed.

    A fraction of a second for most networks; a second or two where there are hundreds of branches.

    Args:
        network: any that torch.fx can trace, from images; it may lie on the meta device, and is left as it is.
        channels: of the images.
        size: (height, width) of the images in pixels.
    Raises:
        UsageError: the network cannot be traced, holds a step of an unknown kind, or is given too small images.
    See also:
        receptive_fields(): the fields alone, by the layer's name.
    Example:
        >>> describe(nn.Sequential(nn.Conv2d(3, 8, 3)), channels=3, size=(5, 5)).multiply_adds
        1944
    """
    steps = trace(network, (ROWS, channels, *size))
    known = propagate(steps, channels, size)
    counted: set[int] = set()
    names: dict[fx.Node, str] = {}
    layers = []
    for step in steps:
        before = tuple(dict.fromkeys(_sources(step.node, names)))
        if _is_hidden(step):
            names[step.node] = before[0] if before else INPUT
            continue
        names[step.node] = step.name
        first = step.output if isinstance(step.output, Tensor) else step.output[0]
        field = summary(known[step.name]) if step.name in known else None
        spent = (parameters(step, counted), multiply_adds(step))
        layers.append(Layer(step.name, step.kind, _window(step), before, tuple(first.shape[1:]), field, *spent))
    whole = sum(parameter.numel() for parameter in network.parameters())
    return Description(tuple(layers), whole, sum(layer.multiply_adds for layer in layers))


def _is_hidden(step: Operation) -> bool:
    """Whether a step is bookkeeping: a size, or one of several outputs."""
    part = step.rule == PICK and not isinstance(step.args[0], Tensor)
    return part or not isinstance(step.output, Tensor | tuple | list) or _holds_numbers(step.output)


def _holds_numbers(output: object) -> bool:
    return isinstance(output, tuple | list) and not all(isinstance(item, Tensor) for item in output)


def _sources(node: fx.Node, names: dict[fx.Node, str]) -> Iterator[str]:
    for source in node.all_input_nodes:
        if source.op == "placeholder":
            yield INPUT
        elif source in names:
            yield names[source]


def _window(step: Operation) -> str:
    """Kernel, stride and what is unusual, as papers write it."""
    if step.rule != WINDOW or step.kind == "pad":
        return ""
    if step.kind.startswith("adaptive"):
        return "to " + "×".join(map(str, step.output.shape[2:]))
    kernel = step.weight.shape[2:] if step.weight is not None else step.setting("kernel_size")
    stride = step.setting("stride") or kernel
    text = _times(kernel, always=True) + f"/{_times(stride)}"
    if step.kind == "conv" and step.setting("groups") > 1:
        text += f" groups {step.setting('groups')}"
    dilation = step.setting("dilation") if step.kind in ("conv", "max pool") else 1
    return text if _times(dilation) == "1" else f"{text} dilation {_times(dilation)}"


def _times(pair: Any, always: bool = False) -> str:
    first, last = (pair, pair) if isinstance(pair, int) else (pair[0], pair[-1])
    return str(first) if first == last and not always else f"{first}×{last}"


def _plain(layer: Layer) -> dict[str, Any]:
    seen = layer.receptive_field
    names = ("size", "stride", "offset", "least_size", "least_offset")
    return {
        "name": layer.name,
        "kind": layer.kind,
        "window": layer.window,
        "inputs": list(layer.inputs),
        "output_shape": list(layer.output_shape),
        "receptive_field": None if seen is None else {name: list(getattr(seen, name)) for name in names},
        "parameters": layer.parameters,
        "multiply_adds": layer.multiply_adds,
    }
