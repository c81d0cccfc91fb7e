"""Which pixels truly reach a unit: the support of the gradient, with positive weights and pools as averages."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional


class Positive(fx.Interpreter):
    """Runs a network of any width at the price of one channel, and keeps every step's output.

    All weights are equal and positive, so a convolution is the mean of the channels of each group, convolved with
    one kernel, and repeated. Batch-norm at rest is a positive factor; max-pools and response normalization are
    averages.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__(fx.symbolic_trace(network.eval()), garbage_collect_values=False)
        self.outputs: dict[str, Tensor] = {}

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        module = self.fetch_attr(target)
        given = args[0]
        if isinstance(module, nn.Conv2d):
            found = convolved(given, module)
        elif isinstance(module, nn.Linear):
            found = given.mean(-1, keepdim=True).expand(*given.shape[:-1], module.out_features)
        elif isinstance(module, nn.MaxPool2d):
            found = averaged(given, module)
        elif isinstance(module, nn.LocalResponseNorm):  # its own gradient is 0 where a map is
            padded = functional.pad(given, (0, 0, 0, 0, module.size // 2, (module.size - 1) // 2))
            found = padded.unfold(1, module.size, 1).mean(-1)
        elif isinstance(module, nn.AdaptiveMaxPool2d):
            found = functional.adaptive_avg_pool2d(given, module.output_size)
        elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d | nn.Dropout):
            found = given * 0.5
        else:
            found = module(*args, **kwargs)
        self.outputs[str(target)] = found
        return found


def convolved(images: Tensor, conv: nn.Conv2d) -> Tensor:
    groups = conv.groups
    means = images.unflatten(1, (groups, -1)).mean(2)
    kernel = torch.full((groups, 1, *conv.kernel_size), 1.0 / (conv.kernel_size[0] * conv.kernel_size[1]))
    maps = functional.conv2d(means, kernel.to(images), None, conv.stride, conv.padding, conv.dilation, groups)
    return maps.unsqueeze(2).expand(-1, -1, conv.out_channels // groups, -1, -1).flatten(1, 2)


def averaged(images: Tensor, pool: nn.MaxPool2d) -> Tensor:
    """The sum over a max-pool's window, dilation and rounding up included: what lies beyond the edge is 0."""
    size = pool(images.detach()).shape[2:]
    kernel, stride, padding, dilation = (
        (value, value) if isinstance(value, int) else value
        for value in (pool.kernel_size, pool.stride, pool.padding, pool.dilation)
    )
    beyond = [
        max(0, (to - 1) * s + d * (k - 1) + 1 - p - n)
        for to, s, d, k, p, n in zip(size, stride, dilation, kernel, padding, images.shape[2:], strict=True)
    ]
    padded = functional.pad(images, (padding[1], beyond[1], padding[0], beyond[0]))
    channels = images.shape[1]
    weights = torch.full((channels, 1, *kernel), 1.0 / (kernel[0] * kernel[1])).to(images)
    return functional.conv2d(padded, weights, None, stride, 0, dilation, channels)[..., : size[0], : size[1]]


def reached(image: Tensor, output: Tensor, unit: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    """Top, left, bottom, right of the pixels whose change moves a unit; None if there is none."""
    (gradient,) = torch.autograd.grad(output[(0, *unit)], image, retain_graph=True)
    rows, columns = (gradient[0].abs().sum(0).sum(1 - axis).nonzero().flatten().tolist() for axis in range(2))
    return (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) if rows else None
