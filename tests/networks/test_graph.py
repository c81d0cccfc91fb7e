"""A network as a graph: its modes and its settings are left as they were."""

from __future__ import annotations

import jaxtyping
import pytest
import torch
from torch import Tensor, nn

from ilk.errors import UsageError
from ilk.networks import build
from ilk.networks.graph import evaluation_mode, graph_of


def modes(network: nn.Module) -> list[bool]:
    return [module.training for module in network.modules()]


def half_asleep() -> nn.Module:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout()).train()
    network[1].eval()
    return network


def test_modes_are_put_back_even_after_a_fault() -> None:
    network = half_asleep()
    before = modes(network)
    with evaluation_mode(network):
        assert not any(modes(network))
    assert modes(network) == before
    with pytest.raises(KeyError), evaluation_mode(network):
        raise KeyError
    assert modes(network) == before == [True, True, False, True]


def test_a_graph_shares_the_weights_and_answers_alike() -> None:
    network, images = build("neighbor-mnist", channels=1).train(), torch.rand(2, 1, 28, 28)
    checked = jaxtyping.config.jaxtyping_disable
    graph = graph_of(network)
    assert jaxtyping.config.jaxtyping_disable is checked
    assert all(modes(network))
    assert dict(graph.named_parameters())["features.0.weight"] is dict(network.named_parameters())["features.0.weight"]
    with evaluation_mode(network):
        assert torch.equal(graph(images), network(images))


class Deciding(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images if images.sum() > 0 else -images


class Counting(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images * sum(float(row) for row in images)


@pytest.mark.parametrize("network", [Deciding(), Counting()])
def test_what_depends_on_the_images_is_refused(network: nn.Module) -> None:
    checked = jaxtyping.config.jaxtyping_disable
    with pytest.raises(UsageError, match=f"{type(network).__name__} cannot be traced: .*no decisions"):
        graph_of(network)
    assert jaxtyping.config.jaxtyping_disable is checked
