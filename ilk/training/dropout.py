"""What a network draws by itself while it trains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ilk.errors import UsageError
from ilk.sampling import step_seed

DROPOUT = (nn.Dropout, nn.Dropout2d)


@contextmanager
def own_draws(network: nn.Module, seed: int, number: int) -> Iterator[None]:
    """Within the block, dropout's draws are a function of the seed and of the step's number alone.

    PyTorch's dropout draws from its global generator, which is put back as it was.
    """
    if not any(isinstance(layer, DROPOUT) for layer in network.modules()):
        yield
        return
    device = next(network.parameters()).device
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(step_seed(seed, number))
        yield


def set_dropout(network: nn.Module, share: float) -> None:
    """Let every dropout layer leave out this share of its inputs, 0 to 1.

    Raises:
        UsageError: the network has none.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, DROPOUT)]
    if share and not layers:
        raise UsageError(f"{type(network).__name__} has no dropout to be set to {share:g}. Leave the setting out.")
    for layer in layers:
        layer.p = share
