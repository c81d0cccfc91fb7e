"""The network that a model's description names, built again without its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from ilk.networks import build, check_options
from ilk.networks.mean_subtraction import subtract_mean


def network_of(about: Mapping[str, Any], dim: int, make: Callable[..., nn.Module] = build) -> nn.Module:
    """The network as the description has it: its options, and the subtraction of a mean, whose value is a weight.

    Args:
        about: a description with "network", "options", "channels", "height" and "width".
        dim: dimensions of the embedding.
        make: `build`, or `outline` for a network without weights.
    Raises:
        UsageError: no such network or option, or images too small for it.
    """
    check_options(about["network"], about["options"])
    size = (int(about["height"]), int(about["width"]))
    network = make(about["network"], channels=about["channels"], size=size, dim=dim, **about["options"])
    if about.get("subtract_mean"):
        subtract_mean(network, torch.zeros(about["channels"], device=next(network.parameters()).device))
    return network
