"""Convolution layers by name, and where their activity is read."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ilk.errors import UsageError
from ilk.insight.units import activity_network, activity_node, branches, conv_layers, layers_with_relu
from ilk.networks import build
from ilk.networks.graph import graph_of


def test_a_layer_that_ends_one_of_several_branches_says_so() -> None:
    network = build("googlenet", channels=1, seed=0)
    assert branches(network, "inception_5b.branch_pool.conv") == 4
    assert branches(network, "inception_5b.branch_3x3.reduce") == branches(network, "conv1.conv") == 1


def test_the_activity_is_read_behind_batch_norm_and_relu() -> None:
    block = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 3, 1), nn.MaxPool2d(2))
    graph = graph_of(block)
    assert conv_layers(block) == ("0", "3")
    assert [activity_node(graph, layer).target for layer in ("0", "3")] == ["2", "3"]
    assert layers_with_relu(block, ["0", "3"]) == {"0"}

    images = torch.randn(2, 1, 6, 6)
    block.eval()
    first, second = activity_network(block, ["0", "3"]).eval()(images)
    torch.testing.assert_close(first, block[:3](images))
    torch.testing.assert_close(second, block[:4](images))


def test_a_layer_without_units_of_its_own_is_refused() -> None:
    conv = nn.Conv2d(1, 1, 3, padding=1)
    for network, layer, words in (
        (nn.Sequential(conv, conv), "0", "is used 2 times"),
        (nn.Sequential(conv, nn.ReLU()), "1", "is no convolution"),
        (nn.Sequential(conv), "00", "Did you mean 0"),
    ):
        with pytest.raises(UsageError, match=words):
            activity_node(graph_of(network), layer)
