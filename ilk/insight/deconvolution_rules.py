"""Each operation forward, with the way back through it that a deconvolution takes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ilk.networks.mean_subtraction import BUFFER_NAME as MEAN

BackwardSignal = Callable[[Tensor], tuple[Tensor, ...]]
"""From the signal at an operation's output to the signals at its inputs, in their order."""

Reversed = tuple[Tensor, BackwardSignal]

Pair = int | tuple[int, ...]


class NoWayBackError(Exception):
    """No signal can be brought back through an operation, or a setting of it; the reason completes a sentence."""


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, padding: str | Pair, dilation: Pair, groups: int
) -> Reversed:
    """Convolution; back by the same filters, transposed, without the bias."""
    step, wide = pair(stride), pair(dilation)
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(wide, weight.shape[2:], strict=True)]
        if any(t % 2 for t in total):
            raise NoWayBackError('it pads one side more than the other ("same" with an even kernel)')
        padding = (total[0] // 2, total[1] // 2)
    edge = pair(0 if isinstance(padding, str) else padding)
    out = F.conv2d(x, weight, bias, step, edge, wide, groups)
    return out, lambda signal: (convolve_transposed(signal, weight, x.shape, step, edge, wide, groups),)


def convolve_transposed(
    signal: Tensor,
    weight: Tensor,
    shape: torch.Size,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> Tensor:
    """Transposed filters, giving maps of the shape that the convolution took, its unused last rows too."""
    rest = [
        shape[2 + i] - ((signal.shape[2 + i] - 1) * stride[i] - 2 * padding[i] + dilation[i] * (size - 1) + 1)
        for i, size in enumerate(weight.shape[2:])
    ]
    return F.conv_transpose2d(signal, weight, None, stride, padding, (rest[0], rest[1]), groups, dilation)


def rectify(x: Tensor, inplace: bool = False) -> Reversed:
    """ReLU; back by rectifying the signal itself, whatever the image made of the unit."""
    return x.relu(), lambda signal: (signal.relu(),)


def scale(x: Tensor, factor: Tensor | float, out: Tensor) -> Reversed:
    """Any step that gives each number times a factor that is held fixed; back by the same factor."""
    return out, lambda signal: (signal * factor,)


def normalize_batch(x: Tensor, norm: nn.BatchNorm2d) -> Reversed:
    """Batch-norm in evaluation mode; back by weight / √(variance + eps), without the shift."""
    if norm.running_var is None:
        raise NoWayBackError("it keeps no running variance")
    factor = (norm.running_var + norm.eps).rsqrt()
    if norm.affine:
        factor = factor * norm.weight
    return scale(x, factor[:, None, None], norm(x))


def normalize_response(x: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Reversed:
    """Local response normalization; back by its divisor for this image, recorded like the switches of a pool."""
    padded = F.pad(x.square()[:, None], (0, 0, 0, 0, size // 2, (size - 1) // 2))
    divisor = (F.avg_pool3d(padded, (size, 1, 1), stride=1)[:, 0] * alpha + k) ** beta
    return scale(x, 1 / divisor, x / divisor)


def pool_max(
    x: Tensor,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    dilation: Pair = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Reversed:
    """Max-pool; back by unpooling: each signal goes to the pixel that won its window, adding where windows overlap."""
    if return_indices:
        raise NoWayBackError("it returns indices")
    out, switches = F.max_pool2d(
        x, kernel_size, stride or kernel_size, padding, dilation, ceil_mode, return_indices=True
    )
    shape = x.shape

    def back(signal: Tensor) -> tuple[Tensor, ...]:
        # max_unpool2d would keep only one of the signals that meet where windows overlap.
        pixels = signal.new_zeros(*shape[:2], shape[2] * shape[3])
        return (pixels.scatter_add_(2, switches.flatten(2), signal.flatten(2)).view(shape),)

    return out, back


def pool_average(
    x: Tensor,
    kernel_size: Pair,
    stride: Pair | None = None,
    padding: Pair = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Reversed:
    """Average pool; back by giving each pixel of a window its share."""
    kernel, edge = pair(kernel_size), pair(padding)
    step = pair(stride or kernel_size)
    out = F.avg_pool2d(x, kernel, step, edge, ceil_mode, count_include_pad, divisor_override)
    ones = x.new_ones(x.shape[1], 1, *kernel)
    counts = F.conv2d(x.new_ones(1, 1, *x.shape[2:]), ones[:1], None, step, edge)
    if counts.shape[2:] != out.shape[2:]:
        raise NoWayBackError("it rounds up, to a window that reaches beyond the map")
    if divisor_override or count_include_pad:
        counts = torch.full_like(counts, divisor_override or kernel[0] * kernel[1])
    return out, lambda signal: (convolve_transposed(signal / counts, ones, x.shape, step, edge, groups=x.shape[1]),)


def pool_average_to(x: Tensor, output_size: Any) -> Reversed:
    """Adaptive average pool; back by giving each pixel of each window its share."""
    out = F.adaptive_avg_pool2d(x, output_size)
    rows, columns = (_windows(x.shape[i], out.shape[i]).to(x) for i in (2, 3))
    return out, lambda signal: (rows.T @ signal @ columns,)


def concatenate(tensors: Sequence[Tensor], dim: int = 0, **other: Any) -> Reversed:
    """Branches side by side; back by cutting the signal into their parts."""
    parts = [tensor.shape[dim] for tensor in tensors]
    return torch.cat(list(tensors), dim), lambda signal: signal.split(parts, dim)


def add(a: Any, b: Any, *, alpha: float = 1) -> Reversed:
    """A sum, as where a residual branch joins; back by the same signal into every branch."""
    both = isinstance(a, Tensor) and isinstance(b, Tensor)
    if alpha != 1 or (both and a.shape != b.shape):
        raise NoWayBackError("it adds maps of different shapes, or with a weight")
    return a + b, lambda signal: (signal,) * (2 if both else 1)


def multiply(a: Any, b: Any) -> Reversed:
    """A product with a number, as in residual scaling."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        raise NoWayBackError("it multiplies maps with one another")
    x, factor = (a, b) if isinstance(a, Tensor) else (b, a)
    return scale(x, factor, x * factor)


def divide(a: Any, b: Any) -> Reversed:
    """A quotient by a number."""
    if not isinstance(a, Tensor) or isinstance(b, Tensor):
        raise NoWayBackError("it divides by maps")
    return scale(a, 1 / b, a / b)


def square(x: Tensor) -> Reversed:
    """Each number squared, as before L2 pooling; back by its slope for this image."""
    return scale(x, 2 * x, x.square())


def root(x: Tensor) -> Reversed:
    """The square root, as after L2 pooling; back by its slope for this image."""
    out = x.sqrt()
    return scale(x, 0.5 / out, out)


def clamp_min(x: Tensor, low: float) -> Reversed:
    """Each number or a floor, whichever is more; back where the floor did not hold."""
    return scale(x, (x > low).to(x), x.clamp_min(low))


def identity(x: Tensor, *other: Any, **more: Any) -> Reversed:
    """What changes nothing in evaluation mode: dropout, identity, a copy."""
    return x, lambda signal: (signal,)


def pair(value: Any) -> tuple[int, int]:
    """One number for both axes, or two."""
    both = (value, value) if isinstance(value, int) else tuple(value)
    return (both[0], both[-1])


def _windows(size: int, into: int) -> Tensor:
    """The weight of each of `size` pixels in each of `into` windows of an adaptive pool."""
    weights = torch.zeros(into, size)
    for i in range(into):
        begin, end = i * size // into, -(-(i + 1) * size // into)
        weights[i, begin:end] = 1 / (end - begin)
    return weights


def _convolution(conv: nn.Conv2d, x: Tensor) -> Reversed:
    if conv.padding_mode != "zeros":
        raise NoWayBackError(f"it pads by {conv.padding_mode}")
    mean = getattr(conv, MEAN, None)
    if isinstance(mean, Tensor):  # the hook that subtracts it does not run here
        x = x - mean[:, None, None]
    return convolve(x, conv.weight, conv.bias, conv.stride, conv.padding, conv.dilation, conv.groups)


MODULE_RULES: dict[type[nn.Module], Callable[[Any, Tensor], Reversed]] = {
    nn.Conv2d: _convolution,
    nn.ReLU: lambda _, x: rectify(x),
    nn.BatchNorm2d: lambda norm, x: normalize_batch(x, norm),
    nn.LocalResponseNorm: lambda norm, x: normalize_response(x, norm.size, norm.alpha, norm.beta, norm.k),
    nn.MaxPool2d: lambda pool, x: pool_max(
        x, pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode, pool.return_indices
    ),
    nn.AvgPool2d: lambda pool, x: pool_average(
        x,
        pool.kernel_size,
        pool.stride,
        pool.padding,
        pool.ceil_mode,
        pool.count_include_pad,
        pool.divisor_override,
    ),
    nn.AdaptiveAvgPool2d: lambda pool, x: pool_average_to(x, pool.output_size),
    **dict.fromkeys((nn.Identity, nn.Dropout, nn.Dropout2d), lambda _, x: identity(x)),
}

CALL_RULES: dict[Any, Callable[..., Reversed]] = {
    **dict.fromkeys((F.relu, torch.relu, torch.relu_, "relu", "relu_"), rectify),
    F.max_pool2d: pool_max,
    F.avg_pool2d: pool_average,
    F.adaptive_avg_pool2d: pool_average_to,
    F.local_response_norm: normalize_response,
    **dict.fromkeys((torch.cat, torch.concat), concatenate),
    **dict.fromkeys((operator.add, operator.iadd, torch.add, "add", "add_"), add),
    **dict.fromkeys((operator.mul, operator.imul, torch.mul, "mul", "mul_"), multiply),
    **dict.fromkeys((operator.truediv, torch.div, "div"), divide),
    **dict.fromkeys((torch.square, "square"), square),
    **dict.fromkeys((torch.sqrt, "sqrt"), root),
    "clamp_min": clamp_min,
    **dict.fromkeys((F.dropout, F.dropout2d, "contiguous", "clone"), identity),
}
"""Functions, and methods of tensors by name."""
