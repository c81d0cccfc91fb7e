"""The strongest images of each unit, judged by sorting everything at once; dead and saturated units; patches."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from ilk.errors import ShapeError, UsageError
from ilk.insight.activations import top_activations
from ilk.insight.grid import draw_units, legend
from ilk.insight.patches import as_gray, crop, unit_patches
from ilk.insight.units import branches
from ilk.networks import NeighborMNIST, as_input, build


def pictures(n: int, side: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 1, side, side)).astype(np.uint8)


def network(seed: int = 0) -> NeighborMNIST:
    torch.manual_seed(seed)
    return NeighborMNIST(1).eval()


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


def test_a_patch_alone_drives_its_unit_as_the_whole_image_does() -> None:
    """What lies outside of the patch is replaced by noise: the activity stays, as it must for an exact field."""
    net, pixels = network(), pictures(12, 28)
    top = top_activations(net, pixels, ["features.7"])["features.7"]
    live = [unit for unit in range(64) if top.values[unit, 0] > 0][:8]
    for unit, each in unit_patches(net, pixels, top, live).items():
        for rank, patch in enumerate(each[:3]):
            place = int(top.rows[unit, rank]), int(top.columns[unit, rank])
            other = pictures(1, 28, seed=rank + 50)[0]
            y, x, bottom, right = patch.box
            assert (bottom - y, right - x) == patch.inside.shape == (14, 14)
            inside = np.s_[:, max(0, y) : bottom, max(0, x) : right]
            other[inside] = pixels[patch.image][inside]
            assert np.array_equal(patch.pixels[:, patch.inside], other[inside].reshape(1, -1))
            with torch.inference_mode():
                maps = net.features[:9](as_input(torch.from_numpy(other[None])))
            assert maps[0, unit, place[0], place[1]].item() == pytest.approx(patch.value, rel=1e-4)


def test_a_box_over_the_edge_says_what_is_inside() -> None:
    array = np.arange(12).reshape(1, 3, 4)
    part, inside = crop(array, (-1, 2, 2, 6))
    assert part.tolist() == [[[0, 0, 0, 0], [2, 3, 0, 0], [6, 7, 0, 0]]]
    assert inside.tolist() == [[False] * 4, [True, True, False, False], [True, True, False, False]]


def test_gray_is_nothing() -> None:
    assert as_gray(np.array([[[0.0, 2.0, -1.0]]], dtype=np.float32)).tolist() == [[[128, 255, 64]]]
    assert (as_gray(np.zeros((1, 2, 2), dtype=np.float32)) == 128).all()


def test_the_picture_is_the_same_for_the_same_input_and_marks_the_dead() -> None:
    net, pixels = network(), pictures(9)
    top = top_activations(net, pixels, ["features.0"])["features.0"]
    seen = unit_patches(net, pixels, top, [0, 1])
    plain = draw_units(seen, {}, title="x")
    assert plain == draw_units(seen, {}, title="x")
    assert plain != draw_units(seen, {1: "dead"}, title="x")
    with pytest.raises(ShapeError, match="one unit or more"):
        draw_units({}, {}, title="x")


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"uint8 \(images, channels, height, width\), not uint8 \(0, 1, 8, 8\)"):
        top_activations(network(), np.zeros((0, 1, 8, 8), dtype=np.uint8))
    with pytest.raises(UsageError, match="keep must be at least 1"):
        top_activations(network(), pictures(1), keep=0)
    with pytest.raises(UsageError, match=r"Did you mean features\.0"):
        top_activations(network(), pictures(1), ["feature.0"])


def test_a_long_title_is_not_cut_off() -> None:
    net, pixels = network(), pictures(2)
    top = top_activations(net, pixels, ["features.0"])["features.0"]
    seen = unit_patches(net, pixels, top, [0])
    short, long = (Image.open(BytesIO(draw_units(seen, {}, title=title))) for title in ("x", "long words " * 20))
    for picture in (short, long):
        ink = np.asarray(picture.convert("L")) < 128
        assert not ink[:, -10:].any()
        assert not ink[-10:].any()
    assert long.width > short.width


def test_a_picture_says_how_to_read_it() -> None:
    top = top_activations(network(), pictures(2), ["features.4"])["features.4"]
    seen = unit_patches(network(), pictures(2), top, [0])
    (first, *_), height = seen[0], seen[0][0].inside.shape[0]
    assert f"the same {height} by {height} pixels of the image" in legend(first)[1]
    assert legend(None) == []


def test_only_a_layer_with_a_relu_behind_it_is_judged_dead_or_saturated() -> None:
    network = build("resnet-18", channels=1, seed=0)
    layers = ["conv1", "layer1.0.conv1", "layer1.0.conv2"]
    tops = top_activations(network, np.zeros((3, 1, 32, 32), dtype=np.uint8), layers)
    assert [top.rectified for top in tops.values()] == [True, True, False]
    assert tops["layer1.0.conv2"].note() == ""


def test_a_layer_that_ends_one_of_several_branches_says_so() -> None:
    network = build("googlenet", channels=1, seed=0)
    assert branches(network, "inception_5b.branch_pool.conv") == 4
    assert branches(network, "inception_5b.branch_3x3.reduce") == branches(network, "conv1.conv") == 1
