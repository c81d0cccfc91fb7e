"""One operation of a traced network, a module or a function: its kind, and how it carries receptive fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, fx, nn

WINDOW = "window"  # a unit sees a window of units: convolutions, pools, padding
POINTWISE = "pointwise"  # a unit sees the units at its own place, of every operand
REDUCTION = "reduction"  # a unit sees all units along some axes
FEATURES = "features"  # a unit sees all units along the last axis
MIXING = "mixing"  # shape kept; a unit sees others along one axis
STRUCTURE = "structure"  # units are moved, none is computed
PICK = "pick"  # one of several outputs, a part of one, or a number


def _kinds_of_rule(rule: str, words: dict[str, Iterable[str]]) -> dict[str, tuple[str, str]]:
    return {name: (rule, word) for word, names in words.items() for name in names}


OPERATION_KINDS: dict[str, tuple[str, str]] = {
    **_kinds_of_rule(
        WINDOW,
        {
            "conv": ("Conv2d", "conv2d"),
            "max pool": ("MaxPool2d", "max_pool2d"),
            "average pool": ("AvgPool2d", "avg_pool2d"),
            "LP pool": ("LPPool2d", "lp_pool2d"),
            "adaptive average pool": ("AdaptiveAvgPool2d", "adaptive_avg_pool2d"),
            "adaptive max pool": ("AdaptiveMaxPool2d", "adaptive_max_pool2d"),
            "pad": ("ZeroPad2d", "ConstantPad2d", "pad"),
        },
    ),
    **_kinds_of_rule(
        POINTWISE,
        {
            "ReLU": ("ReLU", "relu", "relu_"),
            "batch norm": ("BatchNorm1d", "BatchNorm2d", "batch_norm"),
            "dropout": ("Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "dropout", "dropout2d"),
            "identity": ("Identity", "contiguous", "clone", "detach", "float"),
            "add": ("add", "add_", "iadd"),
            "subtract": ("sub", "sub_", "isub", "rsub"),
            "multiply": ("mul", "mul_", "imul"),
            "divide": ("div", "div_", "truediv", "itruediv"),
            "power": ("pow", "square", "sqrt", "rsqrt"),
            "maximum": ("maximum",),
            "minimum": ("minimum",),
            "clamp": ("clamp", "clamp_min", "clamp_max", "Hardtanh", "hardtanh", "ReLU6", "relu6"),
            "PReLU": ("PReLU", "prelu", "LeakyReLU", "leaky_relu"),
            "activation": (
                *("ELU", "elu", "SELU", "selu", "CELU", "GELU", "gelu", "SiLU", "silu", "Mish", "mish"),
                *("Sigmoid", "sigmoid", "Tanh", "tanh", "Softplus", "softplus", "Hardswish", "hardswish"),
                *("Hardsigmoid", "hardsigmoid", "exp", "log", "abs", "neg"),
            ),
        },
    ),
    **_kinds_of_rule(
        REDUCTION,
        {"mean": ("mean",), "sum": ("sum",), "max": ("max", "amax"), "min": ("min", "amin"), "norm": ("norm",)},
    ),
    **_kinds_of_rule(FEATURES, {"linear": ("Linear", "linear")}),
    **_kinds_of_rule(
        MIXING,
        {
            "LRN": ("LocalResponseNorm", "local_response_norm"),
            "normalize": ("normalize",),
            "softmax": ("Softmax", "LogSoftmax", "softmax", "log_softmax"),
        },
    ),
    **_kinds_of_rule(
        STRUCTURE,
        {
            "flatten": ("Flatten", "flatten"),
            "concatenate": ("cat", "concat", "stack"),
            "split": ("chunk", "split", "unbind"),
            "reshape": ("view", "reshape", "Unflatten", "unflatten", "squeeze", "unsqueeze", "expand"),
            "permute": ("permute", "transpose", "movedim", "PixelShuffle", "ChannelShuffle", "pixel_shuffle"),
        },
    ),
    **_kinds_of_rule(PICK, {"pick": ("getitem", "getattr", "size", "dim")}),
}
"""The names of PyTorch's modules, functions and methods, each with its rule and a word for readers."""

DEFAULT_ARGUMENTS: dict[str, dict[str, object]] = {
    "conv": {"input": None, "weight": None, "bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1},
    "max pool": {
        **{"input": None, "kernel_size": None, "stride": None, "padding": 0, "dilation": 1},
        **{"ceil_mode": False, "return_indices": False},
    },
    "average pool": {"input": None, "kernel_size": None, "stride": None, "padding": 0, "ceil_mode": False},
    "LP pool": {"input": None, "norm_type": None, "kernel_size": None, "stride": None, "ceil_mode": False},
    "adaptive average pool": {"input": None, "output_size": None, "return_indices": False},
    "adaptive max pool": {"input": None, "output_size": None, "return_indices": False},
    "pad": {"input": None, "pad": None, "mode": "constant"},
    "linear": {"input": None, "weight": None},
    "concatenate": {"tensors": None, "dim": 0},
    "LRN": {"input": None, "size": None},
    "normalize": {"input": None, "p": 2.0, "dim": 1},
    "softmax": {"input": None, "dim": None},
    **{word: {"input": None, "dim": None, "keepdim": False} for word in ("mean", "sum", "max", "min")},
    "norm": {"input": None, "p": 2, "dim": None, "keepdim": False},
}
"""The arguments of the functions in the order in which they are given, with their defaults."""

MODULE_ARGUMENTS = {"pad": "padding"}  # nn.ZeroPad2d(padding) is F.pad(pad)


@dataclass(frozen=True)
class Operation:
    """One node of the traced graph.

    Args:
        name: the module's own (`features.conv1`), or for a function its place and kind (`layer1.0.add`); unique.
        rule: how it carries receptive fields, one of the constants above.
        kind: a word for readers.
        node: of torch.fx, where `node.args` are other nodes.
        module: None for a function or method.
        function: what is called, without the tensors that a module holds.
        args: as called, with tensors on the meta device.
        kwargs: as called.
        output: as returned, on the meta device.
    """

    name: str
    rule: str
    kind: str
    node: fx.Node
    module: nn.Module | None
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any

    def setting(self, name: str) -> Any:
        """The value of an argument, whether of a module or of a function."""
        if self.module is not None:
            own = MODULE_ARGUMENTS.get(name, name)
            return getattr(self.module, own, DEFAULT_ARGUMENTS[self.kind].get(name))
        given = dict(zip(DEFAULT_ARGUMENTS[self.kind], self.args, strict=False))
        return {**DEFAULT_ARGUMENTS[self.kind], **given, **self.kwargs}[name]

    @property
    def held(self) -> Iterator[nn.Parameter]:
        """The parameters among the arguments: those that the network holds itself, without a module."""
        return (item for item in (*self.args, *self.kwargs.values()) if isinstance(item, nn.Parameter))

    @property
    def weight(self) -> Tensor | None:
        """The weights of a convolution or linear layer, on the meta device."""
        if self.kind not in ("conv", "linear"):
            return None
        return self.module.weight if isinstance(self.module, nn.Conv2d | nn.Linear) else self.setting("weight")
