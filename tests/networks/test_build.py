"""The table of networks: names and their slips, sizes, seeds."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ilk.errors import UsageError
from ilk.networks import NETWORKS, build, canonical_name, options_of, outline, own_channels

LIGHT = ("neighbor-mnist", "neighbor-cifar", "neighbor-2d", "nin", "googlenet", "facenet-nn2", "resnet-18", "resnet-50")
EVERY = [pytest.param(name, marks=() if name in LIGHT else pytest.mark.slow) for name in NETWORKS]
"""Each name; those whose weights take a second to draw are slow."""


def weights(network: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize("name", EVERY)
def test_the_seed_alone_decides_the_weights(name: str) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = weights(build(name, channels=1, seed=3))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(weights(build(name, channels=1, seed=3)), first)
    assert not torch.equal(weights(build(name, channels=1, seed=4)), first)


def begins_uniform(network: str, layer: str) -> bool:
    """Whether a convolution begins as PyTorch's default has it; the others begin as in He 2015."""
    return network.startswith(("neighbor", "resnet")) or layer.endswith(".expand")


@pytest.mark.parametrize("name", EVERY)
def test_convolutions_begin_as_said(name: str) -> None:
    for layer, conv in build(name, channels=3).named_modules():
        if not isinstance(conv, nn.Conv2d):
            continue
        fan_in = conv.weight[0].numel()
        if begins_uniform(name, layer):
            assert 0.9 * fan_in**-0.5 < conv.weight.abs().max() <= fan_in**-0.5
            assert conv.bias is None or conv.bias.abs().max() <= fan_in**-0.5
        else:
            assert conv.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.1)
            assert conv.weight.abs().max() > 2.5 * (2 / fan_in) ** 0.5  # normal, not uniform
            assert conv.bias is None or not conv.bias.any()


@pytest.mark.parametrize("name", NETWORKS)
def test_an_outline_is_the_network_without_its_weights(name: str) -> None:
    bare = outline(name, dim=7)
    assert {tensor.device.type for tensor in (*bare.parameters(), *bare.buffers())} == {"meta"}
    assert bare(torch.empty(2, own_channels(name), 128, 128, device="meta")).shape == (2, 7)


def test_an_outline_has_the_shapes_of_the_network() -> None:
    settings = {"channels": 1, "dim": 9, "strided": True}
    shapes = [
        {key: value.shape for key, value in network.state_dict().items()}
        for network in (outline("googlenet", **settings), build("googlenet", **settings))
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", NETWORKS)
def test_strided_puts_convolutions_in_place_of_max_pools(name: str) -> None:
    pools, convolutions = zip(*(counted(outline(name, strided=strided)) for strided in (False, True)), strict=True)
    replaced = pools[0] - pools[1]
    assert replaced > 0
    assert convolutions[1] - convolutions[0] == replaced


def counted(network: nn.Module) -> tuple[int, int]:
    """Pools and convolutions; adaptive pools, which take what is there, are none."""
    kinds = (nn.MaxPool2d | nn.AvgPool2d, nn.Conv2d)
    found = [sum(isinstance(module, kind) for module in network.modules()) for kind in kinds]
    return found[0], found[1]


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
    with pytest.raises(UsageError, match=f"Did you mean '{guess}'"):
        build(slip, channels=1)


def test_a_name_like_nothing_gets_the_list_alone() -> None:
    with pytest.raises(UsageError, match=r"no network 'xyz'\. Networks: neighbor-mnist"):
        canonical_name("xyz")


@pytest.mark.parametrize("name", NETWORKS)
def test_images_below_the_smallest_are_refused_with_the_remedy(name: str) -> None:
    least = NETWORKS[name].smallest
    outline(name, channels=1, size=(least, least))
    with pytest.raises(UsageError, match=f"not {least + 5}×{least - 1}: give `size` {least}"):
        outline(name, channels=1, size=(least + 5, least - 1))


def test_a_network_says_which_options_it_has() -> None:
    assert options_of("neighbor-mnist") == {"strided": False}
    assert options_of("NiN") == {"strided": False, "dropout": 0.5}


@pytest.mark.parametrize("options", [{"stride": True}, {"strided": 1}, {"pool_first": True}, {"dim_out": 3}])
def test_an_option_that_a_network_does_not_have_is_refused(options: dict) -> None:
    with pytest.raises(UsageError, match=r"neighbor-mnist has no option .*Its options: strided \(bool\)"):
        build("neighbor-mnist", channels=1, **options)
