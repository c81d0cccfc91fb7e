"""Where training starts: initial weights that let a signal through many layers."""

from __future__ import annotations

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
