"""Where training starts: initial weights that let a signal through many layers."""

from __future__ import annotations

import torch
from torch import nn


def he_start(network: nn.Module, *, fully_connected: bool = False) -> None:
    """Draw the weights of all convolutions so that ReLU keeps the scale of the signal; their biases begin at 0.

    It matters where no batch-norm restores the scale: PyTorch's default shrinks a signal to 40% per layer, and all
    images of VGG-19 begin 10⁻⁷ apart, where distances have no gradient. `fully_connected` draws those layers so too,
    where response normalization shrinks the signal further; else they keep the default.

    Source:
        He 2015, arXiv:1502.01852, eq. 10.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) or (fully_connected and isinstance(layer, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def torch7_start(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the scales of all batch-norms uniformly from 0 to 1, where PyTorch begins with 1; the shifts begin at 0.

    This sets the first scale of the embedding, and with it the temperature of eq. 1. Torch7's weights and biases of
    convolutions are uniform in ±1/√fan_in, which is PyTorch's default and is left as it is.

    Args:
        network: is changed in place.
        generator: draws the scales, layer by layer.
    Source:
        Torch7, `nn.BatchNormalization:reset()`.
    """
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.affine:
            with torch.no_grad():
                layer.weight.copy_(torch.rand(layer.weight.shape, generator=generator))
                layer.bias.zero_()
