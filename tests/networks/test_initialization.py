"""Initial weights: He's keep the scale of a signal through many layers; Torch7's scales lie between 0 and 1."""

from __future__ import annotations

import torch
from torch import nn

from ilk.networks.initialization import he_start, torch7_start


def stack(layers: int = 20) -> nn.Sequential:
    pairs = [(nn.Conv2d(64, 64, 3, padding=1, padding_mode="circular"), nn.ReLU()) for _ in range(layers)]
    return nn.Sequential(*(layer for pair in pairs for layer in pair))


@torch.no_grad()
def differences(network: nn.Module) -> float:
    """How far the outputs of four images of noise lie apart."""
    found = network(torch.randn(4, 64, 8, 8, generator=torch.Generator().manual_seed(0)))
    return float((found - found.mean(0)).std())


def test_he_keeps_the_differences_of_images_where_the_default_loses_them() -> None:
    torch.manual_seed(0)
    network = stack()
    assert differences(network) < 1e-6
    he_start(network)
    assert differences(network) > 0.05
    assert all((layer.bias == 0).all() for layer in network if isinstance(layer, nn.Conv2d))


def test_he_leaves_fully_connected_layers_unless_told() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(400, 400))
    before = network[1].weight.detach().clone()
    he_start(network)
    assert torch.equal(network[1].weight, before)
    he_start(network, fully_connected=True)
    assert abs(float(network[1].weight.detach().std()) / (2 / 400) ** 0.5 - 1) < 0.02


def test_torch7_draws_the_scales_of_batch_norms_alone_and_by_the_generator() -> None:
    networks = [nn.Sequential(nn.Conv2d(1, 500, 1), nn.BatchNorm2d(500)) for _ in range(2)]
    before = networks[0][0].weight.detach().clone()
    for network in networks:
        nn.init.ones_(network[1].bias)
        torch7_start(network, torch.Generator().manual_seed(3))
    scales = networks[0][1].weight.detach()
    assert torch.equal(scales, networks[1][1].weight)
    assert 0 <= float(scales.min()) < 0.05
    assert 0.95 < float(scales.max()) <= 1
    assert abs(float(scales.mean()) - 0.5) < 0.05
    assert (networks[0][1].bias == 0).all()
    assert torch.equal(networks[0][0].weight, before)
