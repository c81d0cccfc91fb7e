"""Pictures to points: one architecture family per file, and the table of their names."""

from __future__ import annotations

import difflib

import torch
from torch import nn

from ilk.errors import UsageError
from ilk.networks.embedding import as_input, embed
from ilk.networks.neighbor import Neighbor2D, NeighborCIFAR, NeighborMNIST

__all__ = ["NETWORKS", "Neighbor2D", "NeighborCIFAR", "NeighborMNIST", "as_input", "build", "canonical_name", "embed"]

NETWORKS: dict[str, type[NeighborMNIST] | type[NeighborCIFAR]] = {
    "neighbor-mnist": NeighborMNIST,
    "neighbor-cifar": NeighborCIFAR,
    "neighbor-2d": Neighbor2D,
}


def canonical_name(name: str) -> str:
    """The table's spelling of a network's name: any case, `_` for `-`, hyphens left out.

    Raises:
        UsageError: there is no such network; the message lists the names and guesses the slip.
    """
    plain = {known.replace("-", ""): known for known in NETWORKS}
    found = plain.get(name.lower().replace("-", "").replace("_", ""))
    if found is None:
        near = difflib.get_close_matches(name.lower().replace("_", "-"), NETWORKS, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"There is no network {name!r}.{guess} Networks: {', '.join(NETWORKS)}.")
    return found


def build(
    name: str, *, channels: int, size: tuple[int, int] | None = None, dim: int | None = None, seed: int = 0
) -> nn.Module:
    """A freshly initialized network, the same for the same seed.

    Weights and biases of convolutions are uniform in ±1/√fan_in (PyTorch's default, and Torch7's).

    Args:
        name: a name of `NETWORKS`.
        channels: 1 (gray) or 3 (RGB).
        size: (height, width) of the images in pixels, to be checked against the network's smallest.
        dim: dimensions of the embedding; None for the paper's.
        seed: of the initial weights; the global generator is left as it was.
    Raises:
        UsageError: no such network, or images too small for it.
    Example:
        >>> build("neighbor-mnist", channels=1).embedding
        Identity()
    """
    network_class = NETWORKS[canonical_name(name)]
    if size is not None and min(size) < network_class.smallest:
        raise UsageError(
            f"{canonical_name(name)} needs images of at least {network_class.smallest}×{network_class.smallest} "
            f"pixels, not {size[0]}×{size[1]}: give --size {network_class.smallest} or more."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return network_class(channels) if dim is None else network_class(channels, dim)
