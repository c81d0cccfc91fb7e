"""The top activations of each unit, judged by sorting everything at once; dead and saturated units."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ilk.errors import ShapeError, UsageError
from ilk.insight.activations import top_activations
from ilk.insight.patches import unit_patches
from ilk.networks import as_input, build
from tests.insight.examples import network, pictures


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_they_are_those_that_sorting_everything_finds(batch: int) -> None:
    net, pixels = network(), pictures(30)
    with torch.inference_mode():
        maps = net.features[:9](as_input(torch.from_numpy(pixels))).numpy()
    top = top_activations(net, pixels, ["features.7"], batch=batch)["features.7"]
    for unit in range(maps.shape[1]):
        peaks = maps[:, unit].reshape(30, -1).max(1)
        order = np.argsort(-peaks, kind="stable")[:9]
        if top.state(unit) != "dead":
            assert top.values[unit] == pytest.approx(peaks[order], rel=1e-5)
        for value, image, row, column in zip(
            top.values[unit], top.images[unit], top.rows[unit], top.columns[unit], strict=True
        ):
            assert maps[image, unit, row, column] == pytest.approx(value, rel=1e-4, abs=1e-6)
        assert top.active[unit] == pytest.approx((maps[:, unit] > 0).mean(), abs=1e-3)


def test_an_image_counts_once_and_few_images_give_few() -> None:
    top = top_activations(network(), pictures(4), ["features.0"])["features.0"]
    assert top.values.shape == (16, 4)
    assert all(sorted(row) == [0, 1, 2, 3] for row in top.images.tolist())
    assert (np.diff(top.values, axis=1) <= 0).all()


def test_dead_and_saturated_units_are_named() -> None:
    net = network()
    net.features[0].bias.data[3], net.features[0].bias.data[5] = -1e4, 1e4
    top = top_activations(net, pictures(6), ["features.0"])["features.0"]
    states = [top.state(unit) for unit in range(16)]
    assert states[3] == "dead"
    assert states[5] == "saturated"
    assert states.count("") == 14
    assert top.note() == (
        "Layer features.0: 1 of 16 units dead (never above 0 on these images) and "
        "1 of 16 units saturated (above 0 everywhere on these images)."
    )
    seen = unit_patches(net, pictures(6), top, [3, 4])
    assert seen[3] == []
    assert len(seen[4]) == 6


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"uint8 \(images, channels, height, width\), not uint8 \(0, 1, 8, 8\)"):
        top_activations(network(), np.zeros((0, 1, 8, 8), dtype=np.uint8))
    with pytest.raises(UsageError, match="keep must be at least 1"):
        top_activations(network(), pictures(1), keep=0)
    with pytest.raises(UsageError, match=r"Did you mean features\.0"):
        top_activations(network(), pictures(1), ["feature.0"])


def test_only_a_layer_with_a_relu_behind_it_is_judged_dead_or_saturated() -> None:
    network = build("resnet-18", channels=1, seed=0)
    layers = ["conv1", "layer1.0.conv1", "layer1.0.conv2"]
    tops = top_activations(network, np.zeros((3, 1, 32, 32), dtype=np.uint8), layers)
    assert [top.rectified for top in tops.values()] == [True, True, False]
    assert tops["layer1.0.conv2"].note() == ""
