"""Images that are shifted, scaled and rotated, by whole pixels and quarter turns."""

from __future__ import annotations

import numpy as np
import pytest

from ilk.errors import UsageError
from ilk.insight.invariance import CHANGES, invariance, transform_image
from tests.insight.examples import TWO, Corners, probability, spot


@pytest.mark.parametrize("kind", CHANGES)
def test_no_change_changes_nothing(kind: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 9, 14)).astype(np.uint8)
    assert np.array_equal(transform_image(image, kind, np.array([1.0 if kind == "scale" else 0.0]))[0], image)


def test_shifts_go_right_and_down_by_whole_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 9, 14)).astype(np.uint8)
    right = transform_image(image, "shift right", np.array([3.0, -2.0]))
    assert np.array_equal(right[0][:, :, 3:], image[:, :, :-3])
    assert np.array_equal(right[1][:, :, :-2], image[:, :, 2:])
    assert np.array_equal(right[0][:, :, :3], image[:, :, :1].repeat(3, axis=2))
    down = transform_image(image, "shift down", np.array([4.0]))[0]
    assert np.array_equal(down[:, 4:], image[:, :-4])


def test_a_quarter_turn_is_counterclockwise_and_half_the_scale_is_half_the_size() -> None:
    square = np.random.default_rng(0).integers(0, 256, (1, 8, 8)).astype(np.uint8)
    turned = transform_image(square, "rotation", np.array([90.0, 180.0]))
    assert np.array_equal(turned[0], np.rot90(square, axes=(1, 2)))
    assert np.array_equal(turned[1], square[:, ::-1, ::-1])
    disk = np.zeros((1, 32, 32), dtype=np.uint8)
    disk[0, 8:24, 8:24] = 255
    small, large = transform_image(disk, "scale", np.array([0.5, 2.0]))
    assert small.sum() / disk.sum() == pytest.approx(1 / 4, rel=0.02)
    assert large.sum() / disk.sum() == pytest.approx(4, rel=0.15)


def test_a_rotation_keeps_the_proportions_of_an_oblong_image() -> None:
    image = np.zeros((1, 20, 40), dtype=np.uint8)
    image[0, 8:12, 14:26] = 255  # 12 wide, 4 high
    turned = transform_image(image, "rotation", np.array([90.0]))[0][0] > 127
    assert turned.any(1).sum() == 12
    assert turned.any(0).sum() == 4


def test_curves_start_from_the_image_itself() -> None:
    curves = invariance(Corners(), TWO, spot(), label=0)
    assert [curve.kind for curve in curves] == list(CHANGES)
    for curve in curves:
        at = int(np.argmin(np.abs(curve.amounts - (1 if curve.kind == "scale" else 0))))
        assert curve.moved[at] == pytest.approx(0, abs=1e-6)
        assert curve.probability[at] == pytest.approx(probability(Corners(), spot(), 0), abs=1e-6)
        assert (np.diff(curve.amounts) > 0).all()
    scale = curves[2]
    assert scale.moved[-1] > 0.01  # twice as large a spot


def test_a_class_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no class number 2"):
        invariance(Corners(), TWO, spot(), label=2)
