"""The gradient view of a deconvolution: autograd, with every ReLU's gradient rectified in place of gated."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn


class _Rectified(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return x.clamp(min=0)

    @staticmethod
    def backward(context: Any, signal: Tensor) -> Tensor:
        return signal.clamp(min=0)


class RectifiedReLU(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return _Rectified.apply(x)


class HeldLRN(nn.Module):
    """The paper's formula as a loop over maps, its divisor without a gradient."""

    def __init__(self, norm: nn.LocalResponseNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        channels = range(x.shape[1])
        below, above = self.norm.size // 2, (self.norm.size - 1) // 2
        divisors = []
        for c in channels:
            near = x[:, max(0, c - below) : c + above + 1].square().sum(1)
            divisors.append((self.norm.k + self.norm.alpha / self.norm.size * near) ** self.norm.beta)
        return x / torch.stack(divisors, 1).detach()


def activity_at(network: nn.Module, images: Tensor, reads: str, units: list[int]) -> Tensor:
    """The largest activity of one map for each image, of the module called `reads`, with its gradient."""
    seen: list[Tensor] = []
    hook = network.get_submodule(reads).register_forward_hook(lambda _, __, out: seen.append(out))
    network(images)
    hook.remove()
    return torch.stack([seen[0][i, unit].max() for i, unit in enumerate(units)])


def gradient_view(network: nn.Module, images: Tensor, reads: str, units: list[int]) -> Tensor:
    """The rectified gradient of each image's unit at the pixels, times the unit's activity."""
    pixels = images.clone().requires_grad_(True)
    strength = activity_at(rectified(network), pixels, reads, units)
    (gradient,) = torch.autograd.grad(strength.sum(), pixels)
    return gradient * strength.detach().relu()[:, None, None, None]


def rectified(network: nn.Module) -> nn.Module:
    """A copy whose ReLUs send back only what is positive, and whose LRN holds its divisor."""
    network = copy.deepcopy(network).eval()
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.ReLU):
                setattr(parent, name, RectifiedReLU())
            elif isinstance(child, nn.LocalResponseNorm):
                setattr(parent, name, HeldLRN(child))
    return network
