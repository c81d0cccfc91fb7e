"""The table of networks: names and their slips, sizes, seeds."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ilk.errors import UsageError
from ilk.networks import NETWORKS, build, canonical_name


def weights(network: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize("name", NETWORKS)
def test_the_seed_alone_decides_the_weights(name: str) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = weights(build(name, channels=1, seed=3))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(weights(build(name, channels=1, seed=3)), first)
    assert not torch.equal(weights(build(name, channels=1, seed=4)), first)


@pytest.mark.parametrize("name", NETWORKS)
def test_convolutions_begin_uniform_within_one_over_the_root_of_fan_in(name: str) -> None:
    for layer in build(name, channels=3).modules():
        if isinstance(layer, nn.Conv2d):
            bound = (layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]) ** -0.5
            assert layer.bias is not None
            assert 0.9 * bound < layer.weight.abs().max() <= bound
            assert layer.bias.abs().max() <= bound


@pytest.mark.parametrize(("name", "dim"), [("neighbor-mnist", 5), ("neighbor-cifar", 2), ("neighbor-2d", 3)])
def test_dim_chooses_the_width_of_the_embedding(name: str, dim: int) -> None:
    assert build(name, channels=1, dim=dim).eval()(torch.zeros(2, 1, 12, 12)).shape == (2, dim)


@pytest.mark.parametrize("spelling", ["neighbor-mnist", "Neighbor_MNIST", "NEIGHBORMNIST", "neighbormnist"])
def test_spellings_of_a_name(spelling: str) -> None:
    assert canonical_name(spelling) == "neighbor-mnist"


@pytest.mark.parametrize(
    ("slip", "guess"), [("neighbor-minst", "neighbor-mnist"), ("neighbour_cifar", "neighbor-cifar")]
)
def test_an_unknown_name_gets_a_guess_and_the_list(slip: str, guess: str) -> None:
    with pytest.raises(UsageError, match=f"Did you mean '{guess}'.*neighbor-2d"):
        build(slip, channels=1)


def test_a_name_like_nothing_gets_the_list_alone() -> None:
    with pytest.raises(UsageError, match=r"no network 'xyz'\. Networks: neighbor-mnist"):
        canonical_name("xyz")


@pytest.mark.parametrize("name", NETWORKS)
def test_images_below_the_smallest_are_refused_with_the_remedy(name: str) -> None:
    least = NETWORKS[name].smallest
    build(name, channels=1, size=(least, least))
    with pytest.raises(UsageError, match=f"not {least + 5}×{least - 1}: give --size {least}"):
        build(name, channels=1, size=(least + 5, least - 1))
