"""A network in figures, against PyTorch's own counters."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from ilk.insight import Description, describe
from ilk.networks import NETWORKS, outline, own_channels

ROOT = Path(__file__).resolve().parents[2]


MANY_LAYERS = ("resnet-101", "resnet-152", "inception-resnet-v1", "inception-resnet-v2", "inception-resnet-v2-released")


EVERY = [pytest.param(name, marks=pytest.mark.slow if name in MANY_LAYERS else ()) for name in NETWORKS]


def on_paper(name: str) -> tuple[nn.Module, int, int]:
    """A network without data, its channels, and the side of its images."""
    return outline(name), own_channels(name), NETWORKS[name].paper_size


@pytest.mark.parametrize("name", EVERY)
def test_costs_are_what_pytorch_counts(name: str) -> None:
    network, channels, side = on_paper(name)
    described = describe(network, channels=channels, size=(side, side))
    with FlopCounterMode(display=False) as counter:
        network.eval()(torch.empty(1, channels, side, side, device="meta"))
    assert described.multiply_adds * 2 == counter.get_total_flops()
    assert described.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert described.parameters == sum(layer.parameters for layer in described.layers)
    assert described.layers[-1].output_shape == tuple(
        network(torch.empty(2, channels, side, side, device="meta"))[0].shape
    )


class Twice(nn.Module):
    """A layer that is used twice, weights without a module, and groups."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, (1, 3), groups=2, padding="same")
        self.weight = nn.Parameter(torch.ones(3, 4))
        self.scale = nn.Parameter(torch.ones(1, 4, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        maps = self.conv(self.conv(images)) * self.scale
        return functional.linear(maps.mean((2, 3)), self.weight)


def test_a_layer_that_is_used_twice_is_paid_twice_and_learned_once() -> None:
    described = describe(Twice(), channels=4, size=(5, 6))
    rows = {layer.name: (layer.parameters, layer.multiply_adds) for layer in described.layers}
    conv = 4 * 5 * 6 * 2 * 3
    assert rows == {"conv": (28, conv), "conv:2": (0, conv), "mul": (4, 0), "mean": (0, 0), "linear": (12, 12)}
    assert (described.parameters, described.multiply_adds) == (44, 2 * conv + 12)
    assert [layer.inputs for layer in described.layers] == [("input",), ("conv",), ("conv:2",), ("mul",), ("mean",)]
    assert described.layers[0].window == "1×3/1 groups 2"


def described_by_name(name: str) -> Description:
    network, channels, side = on_paper(name)
    return describe(network, channels=channels, size=(side, side))


def test_the_page_of_networks_holds_their_figures() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate_networks.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
