"""What a unit sees: the patch alone drives it as the whole image does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ilk.insight.activations import top_activations
from ilk.insight.patches import as_gray, crop, unit_patches
from ilk.networks import as_input
from tests.insight.examples import network, pictures


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
