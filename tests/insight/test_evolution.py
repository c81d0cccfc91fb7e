"""The same units at several moments, each moment judged by itself; dead and saturated units counted by hand."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ilk.errors import ShapeError, UsageError
from ilk.insight.activations import top_activations
from ilk.insight.evolution import Moment, evolution, health
from ilk.insight.grid import UNIT_GAP, draw_evolution
from ilk.insight.patches import unit_patches
from ilk.networks import NeighborMNIST


def pictures(n: int = 9, side: int = 16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 1, side, side)).astype(np.uint8)


def network(seed: int) -> NeighborMNIST:
    torch.manual_seed(seed)
    return NeighborMNIST(1).eval()


def moments(units: dict[str, list[int]] | None = None) -> list[Moment]:
    named = [("epoch 0", network(0)), ("final", network(1))]
    return evolution(named, pictures(), {"features.4": [0, 7]} if units is None else units)


def test_each_moment_is_that_of_its_network_alone() -> None:
    found = moments()
    assert [moment.name for moment in found] == ["epoch 0", "final"]
    for moment, seed in zip(found, (0, 1), strict=True):
        alone = top_activations(network(seed), pictures(), ["features.4"])["features.4"]
        assert moment.tops["features.4"].values[:, 0] == pytest.approx(alone.values[:, 0], rel=1e-5)
        for unit, (patch,) in moment.patches["features.4"].items():
            first = unit_patches(network(seed), pictures(), alone, [unit])[unit][0]
            assert patch.image == first.image
            assert patch.signal == pytest.approx(first.signal, rel=1e-3, abs=1e-5)
    assert not np.allclose(found[0].tops["features.4"].values, found[1].tops["features.4"].values)


def test_dead_and_saturated_units_are_counted_by_layer_and_moment() -> None:
    later = network(0)
    later.features[0].bias.data[3], later.features[0].bias.data[5] = -1e4, 1e4
    later.features[0].weight.data[6] = 0
    later.features[0].bias.data[6] = 0.5  # constant above 0
    later.features[4].bias.data[:] = -1e6
    one, two, *others = health(evolution([("a", network(0)), ("b", later)], pictures(), {}))
    assert (one.layer, one.units, one.dead, one.saturated) == ("features.0", 16, (0, 1), (0, 2))
    assert (two.layer, two.units, two.dead[1]) == ("features.4", 32, 32)
    assert not one.healthy
    assert [other.layer for other in others] == ["features.7", "features.10", "features.14"]
    for found in (one, two, *others):
        assert found.healthy == (sum(found.dead) + sum(found.saturated) == 0)


def test_one_network_is_in_memory_at_a_time() -> None:
    alive: list[weakref.ref] = []

    def made() -> Iterator[tuple[str, nn.Module]]:
        for seed in range(3):
            gc.collect()
            assert sum(each() is not None for each in alive) <= 1  # the one that the loop still names
            net = network(seed)
            alive.append(weakref.ref(net))
            yield f"epoch {seed}", net
            del net

    assert len(evolution(made(), pictures(2), {"features.0": [0]})) == 3


class Wide(nn.Module):
    def __init__(self, units: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, units, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.conv(images)


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(UsageError, match="b is of another network than a"):
        evolution([("a", Wide(2)), ("b", Wide(3))], pictures(), {})
    with pytest.raises(UsageError, match=r"no unit 32\. Allowed: 0 to 31"):
        moments({"features.4": [32]})
    with pytest.raises(UsageError, match=r"no convolution 'features\.5'"):
        moments({"features.5": [0]})


def test_the_picture_has_a_column_for_each_moment_and_marks_the_dead() -> None:
    seen = [moment.patches["features.4"] for moment in moments()]
    plain = draw_evolution(seen, ["epoch 0", "final"], title="grown")
    assert plain == draw_evolution(seen, ["epoch 0", "final"], title="grown")
    assert plain != draw_evolution(seen, ["epoch 0", "final"], [{}, {7: "saturated"}], title="grown")
    empty = draw_evolution([seen[0], {0: [], 7: []}], ["epoch 0", "final"], title="grown")
    pixels = [np.asarray(Image.open(BytesIO(png)).convert("RGB"), dtype=int) for png in (plain, empty)]
    changed = np.flatnonzero((pixels[0] != pixels[1]).any(axis=(0, 2)))
    assert len(changed) > 50
    assert changed[0] > UNIT_GAP + 60 + 96  # nothing of the first moment
    with pytest.raises(ShapeError, match="one name for each"):
        draw_evolution(seen, ["epoch 1"], title="grown")
