"""Ablation against a forward hook that silences one unit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ilk.insight.ablation import ablate_units
from ilk.neighbors import NeighborClassifier
from ilk.networks import NeighborMNIST, embed
from tests.insight.examples import TWO, Corners, probability


def test_the_unit_that_speaks_for_a_class_is_the_one_that_matters() -> None:
    network = Corners()
    bright, dark = ablate_units(network, TWO, np.full((1, 4, 4), 255, dtype=np.uint8), "conv", label=0)
    assert (bright.unit, dark.unit) == (0, 1)
    assert dark.drop == dark.moved == 0  # silent already
    assert bright.without == pytest.approx(0.5)  # at the origin, as near to both
    assert bright.drop == pytest.approx(
        probability(network, np.full((1, 4, 4), 255, dtype=np.uint8), 0) - 0.5, abs=1e-6
    )
    assert bright.moved == pytest.approx(127 / 128)


def test_silencing_is_that_of_a_hook() -> None:
    torch.manual_seed(0)
    network = NeighborMNIST(1).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (6, 1, 16, 16)).astype(np.uint8)
    classifier = NeighborClassifier(embed(network, pixels[1:]), np.array([0, 1, 0, 1, 1]), 2)
    found = ablate_units(network, classifier, pixels[0], "features.10", most=64)
    assert [each.drop for each in found] == sorted((each.drop for each in found), reverse=True)
    for each in found[:5]:

        def silence(_: object, __: object, maps: Tensor, unit: int = each.unit) -> Tensor:
            maps = maps.clone()
            maps[:, unit] = 0
            return maps

        hook = network.features[11].register_forward_hook(silence)
        point = embed(network, pixels[:1])
        hook.remove()
        label = int(classifier.predict(embed(network, pixels[:1])).label[0])
        assert each.without == pytest.approx(float(classifier.predict(point).probabilities[0, label]), abs=1e-5)
        assert each.moved == pytest.approx(np.linalg.norm(point - embed(network, pixels[:1])), abs=1e-4)


class Shortcut(nn.Module):
    """A sum whose other branch is older than the layer, then steps that work in place, then a concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 3, padding=1)
        self.conv = nn.Conv2d(6, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=True)
        self.scale = nn.Parameter(torch.full((1, 6, 1, 1), 0.7))

    def forward(self, images: Tensor) -> Tensor:
        stem = self.stem(images)
        maps = self.norm(self.conv(stem))
        maps += stem * self.scale
        maps = self.relu(maps)
        return torch.cat([maps, stem], 1).mean((2, 3))


def test_silencing_keeps_branches_and_steps_in_place_apart() -> None:
    torch.manual_seed(0)
    network = Shortcut().eval()
    pixels = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8)).astype(np.uint8)
    classifier = NeighborClassifier(embed(network, pixels[1:]), np.array([0, 1, 0, 1]), 2)
    found = ablate_units(network, classifier, pixels[0], "conv", label=1)
    assert len({each.unit for each in found}) == 6
    for each in found:

        def silence(_: object, __: object, maps: Tensor, unit: int = each.unit) -> Tensor:
            maps = maps.clone()
            maps[:, unit] = 0
            return maps

        hook = network.norm.register_forward_hook(silence)
        point = embed(network, pixels[:1])
        hook.remove()
        assert each.moved == pytest.approx(np.linalg.norm(point - embed(network, pixels[:1])), abs=1e-5)
        assert each.without == pytest.approx(float(classifier.predict(point).probabilities[0, 1]), abs=1e-5)
    assert found[0].moved > 1e-3
