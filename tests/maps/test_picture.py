"""The still picture: its pixels, by what must be where."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ilk.errors import ShapeError
from ilk.maps.picture import CLASS_COLORS, DARK_TONES, OTHER_CLASSES_COLOR, draw_map, named_classes

CORNERS = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])


def pixels(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def rgb(color: str) -> np.ndarray:
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])


def places(picture: np.ndarray, color: str) -> np.ndarray:
    """Row and column of each pixel of this color."""
    return np.argwhere(np.abs(picture - rgb(color)).max(axis=2) <= 2)


def test_each_class_has_its_color_where_it_lies() -> None:
    picture = pixels(draw_map(CORNERS, np.array([0, 1, 2, -1]), ("a", "b", "c")))
    height, width = picture.shape[:2]
    assert width == 900
    above_key = picture[: int(height * 0.91)]
    for color, (left, top) in zip(CLASS_COLORS, [(True, False), (True, True), (False, False)], strict=False):
        row, column = places(above_key, color).mean(axis=0)
        assert (column < width / 2) == left
        assert (row < len(above_key) / 2) == top


def test_labeled_lies_over_unlabeled() -> None:
    around = np.random.default_rng(0).normal(scale=0.01, size=(3000, 2))
    positions = np.concatenate([np.zeros((1, 2)), around, CORNERS])
    targets = np.concatenate([[0], np.full(3004, -1)])
    alone = places(pixels(draw_map(CORNERS[:1], np.array([0]), ("a",))), CLASS_COLORS[0])
    covered = places(pixels(draw_map(positions, targets, ("a",))), CLASS_COLORS[0])
    assert len(covered) > 0.5 * len(alone)


def test_of_many_classes_ten_are_named_and_the_rest_share_one_tone() -> None:
    targets = np.repeat(np.arange(30), np.r_[np.full(20, 1), np.full(10, 3)])
    assert named_classes(targets, 30) == list(range(20, 30))
    assert named_classes(targets, 31) == list(range(20, 30))
    assert named_classes(np.array([-1, 1, 1, 0]), 5) == [0, 1]
    spread = np.random.default_rng(0).normal(size=(len(targets), 2))
    picture = pixels(draw_map(spread, targets, [f"class {c}" for c in range(30)]))
    assert all(len(places(picture, color)) > 20 for color in CLASS_COLORS)
    assert len(places(picture, OTHER_CLASSES_COLOR)) > 100


@pytest.mark.parametrize("name", ["$a_b^$", "_hidden", "a\nb", "", "字 😀 \U0010fffd", "x" * 300, "<b>&amp;"])
def test_any_name_can_be_drawn(name: str) -> None:
    assert pixels(draw_map(CORNERS, np.array([0, 0, -1, -1]), (name,))).shape[1] == 900


def test_the_same_input_gives_the_same_bytes_and_dark_is_dark() -> None:
    targets = np.array([0, 1, -1, -1])
    assert draw_map(CORNERS, targets, ("a", "b")) == draw_map(CORNERS, targets, ("a", "b"))
    assert (pixels(draw_map(CORNERS, targets, ("a", "b"), dark=True))[0, 0] == rgb(DARK_TONES["paper"])).all()
    assert pixels(draw_map(CORNERS, targets, ("a", "b"), pixels=1800)).shape[1] == 1800


def test_added_images_and_a_note_are_drawn() -> None:
    targets = np.array([0, 1, -1, -1])
    plain = pixels(draw_map(CORNERS, targets, ("a", "b")))
    later = pixels(draw_map(CORNERS, targets, ("a", "b"), added=np.array([False, True, False, False])))
    assert len(places(later, CLASS_COLORS[1])) < len(places(plain, CLASS_COLORS[1]))
    assert len(pixels(draw_map(CORNERS, targets, ("a", "b"), note="words " * 40))) > len(plain)


def test_targets_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="4 points"):
        draw_map(CORNERS, np.array([0, 1]), ("a", "b"))
    with pytest.raises(ShapeError, match="from -1 to 1"):
        draw_map(CORNERS, np.array([0, 1, 2, -1]), ("a", "b"))
