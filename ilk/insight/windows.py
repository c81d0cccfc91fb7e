"""The inputs of each unit along one axis: the windows of convolutions, pools and padding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ilk.errors import UsageError
from ilk.insight.operation import Operation


@dataclass(frozen=True)
class Windows:
    """The taps of every window along one axis.

    Args:
        taps: shape (units, taps), positions in the input; below 0 or beyond its end lies padding.
        real: shape (units, taps), True where a tap is a unit of the input.
        stride: from one window to the next, in units of the input; None where windows are not evenly spread.
    """

    taps: Tensor
    real: Tensor
    stride: int | None


def windows_of(step: Operation) -> tuple[Windows, Windows]:
    """The windows of a step along height and width, exactly as PyTorch places them.

    Raises:
        UsageError: a padding that repeats or mirrors the image, or a pool that returns positions.
    """
    _require_plain(step)
    sizes_in, sizes_out = step.args[0].shape[2:], step.output.shape[2:]
    if step.kind.startswith("adaptive"):
        return _adaptive_windows(sizes_in[0], sizes_out[0]), _adaptive_windows(sizes_in[1], sizes_out[1])
    kernel, stride, dilation, before = _geometry(step)
    return (
        _even_windows(sizes_in[0], sizes_out[0], kernel[0], stride[0], dilation[0], before[0]),
        _even_windows(sizes_in[1], sizes_out[1], kernel[1], stride[1], dilation[1], before[1]),
    )


def _require_plain(step: Operation) -> None:
    mode = getattr(step.module, "padding_mode", "zeros")
    if step.kind == "pad" and step.module is None:
        mode = "zeros" if step.setting("mode") == "constant" else step.setting("mode")
    if mode != "zeros":
        raise UsageError(f"{step.name} pads by {mode!r}: a receptive field is known for padding with a constant alone.")
    if step.kind.endswith("max pool") and step.setting("return_indices"):
        raise UsageError(f"{step.name} returns positions beside values: leave return_indices out.")
    if step.args[0].ndim != 4:
        raise UsageError(
            f"{step.name} is not given images (batch, channels, height, width), but {step.args[0].ndim}-d."
        )


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def _geometry(step: Operation) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Kernel, stride, dilation and padding before the first unit, each for height and width."""
    if step.kind == "pad":
        pad = step.setting("pad")  # left, right, top, bottom
        if len(pad) != 4 or min(pad) < 0:
            raise UsageError(f"{step.name} pads by {tuple(pad)}: allowed are four numbers, none below 0.")
        return (1, 1), (1, 1), (1, 1), (pad[2], pad[0])
    if step.kind == "conv":
        assert step.weight is not None
        kernel, stride = _pair(tuple(step.weight.shape[2:])), _pair(step.setting("stride"))
    else:
        kernel = _pair(step.setting("kernel_size"))
        stride = _pair(step.setting("stride") or kernel)
    dilation = _pair(step.setting("dilation")) if step.kind in ("conv", "max pool") else (1, 1)
    padding = 0 if step.kind == "LP pool" else step.setting("padding")
    if padding == "same":  # where the total is odd, PyTorch puts the larger half behind
        before = (dilation[0] * (kernel[0] - 1) // 2, dilation[1] * (kernel[1] - 1) // 2)
    else:
        before = _pair(0 if padding == "valid" else padding)
    return kernel, stride, dilation, before


def output_size(step: Operation) -> tuple[int, int]:
    """Height and width of what a convolution or pool gives.

    Raises:
        ValueError: the padded image is smaller than the kernel.
    """
    given = step.args[0].shape[2:]
    if step.kind == "conv" and step.setting("padding") == "same":
        return given[0], given[1]
    up = step.kind != "conv" and bool(step.setting("ceil_mode"))
    sizes = []
    for size, kernel, stride, dilation, before in zip(given, *_geometry(step), strict=True):
        room = size + 2 * before - dilation * (kernel - 1) - 1
        last = -(-room // stride) if up else room // stride
        if last < 0:
            raise ValueError(f"its kernel is larger than the map of {given[0]}×{given[1]} that it is given")
        # PyTorch's rule: a window that would begin in the padding behind is left out.
        sizes.append(last + 1 - int(up and last * stride >= size + before))
    return sizes[0], sizes[1]


def _even_windows(size_in: int, size_out: int, kernel: int, stride: int, dilation: int, before: int) -> Windows:
    taps = torch.arange(size_out)[:, None] * stride - before + torch.arange(kernel) * dilation
    return Windows(taps, (taps >= 0) & (taps < size_in), stride)


def _adaptive_windows(size_in: int, size_out: int) -> Windows:
    """Window i reaches from floor(i·in/out) to ceil((i+1)·in/out)."""
    if size_in % size_out == 0:
        return _even_windows(size_in, size_out, size_in // size_out, size_in // size_out, 1, 0)
    unit = torch.arange(size_out)
    start, end = unit * size_in // size_out, -(-(unit + 1) * size_in // size_out)
    taps = start[:, None] + torch.arange(int((end - start).max()))
    return Windows(taps, taps < end[:, None], None)
