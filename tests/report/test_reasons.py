"""The reasons as files: their colors say what the figures say, their names can be written on any disk."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ilk.report.explanation import PALE_LOSS
from ilk.report.reasons import draw_reasons, file_names
from tests.report.test_explanation import explained


def pixels(png: bytes) -> np.ndarray:
    with Image.open(BytesIO(png)) as picture:
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        return np.asarray(picture.convert("RGB"), dtype=int)


def blue_and_orange(png: bytes) -> tuple[np.ndarray, np.ndarray]:
    """How blue and how orange each column of the middle panel is; the image on the left is gray."""
    colors = pixels(png)
    colors = colors[:, colors.shape[1] // 3 : colors.shape[1] * 3 // 5]
    surplus = colors[..., 2] - colors[..., 0]
    return (surplus > 60).mean(0), (surplus < -60).mean(0)


def test_blue_is_what_costs_and_orange_what_helps() -> None:
    one = replace(explained(), drop=np.repeat([[0.5] * 8 + [-0.5] * 8], 12, axis=0))
    blue, orange = blue_and_orange(draw_reasons(one)["occlusion"])
    assert 0 < np.flatnonzero(blue > 0.3).mean() < np.flatnonzero(orange > 0.3).mean()


def test_what_hardly_matters_stays_white() -> None:
    one = replace(explained(), drop=np.full((12, 16), PALE_LOSS / 20), moved=np.zeros((12, 16)))
    blue, orange = blue_and_orange(draw_reasons(one)["occlusion"])
    width = len(blue) * 6 // 10  # without the bar of the scale
    assert max(blue[:width].max(), orange[:width].max()) < 0.05


def test_the_same_reasons_give_the_same_bytes_and_no_units_no_picture_of_them() -> None:
    drawn = draw_reasons(explained())
    assert list(drawn) == ["occlusion", "invariance", "units"]
    assert drawn == draw_reasons(explained())
    assert list(draw_reasons(replace(explained(), units=[]))) == ["occlusion", "invariance"]


@pytest.mark.parametrize("name", ["$x^2", "<b>猫" * 30, "line\nbreak"])
@pytest.mark.filterwarnings("error")
def test_any_class_name_can_be_drawn(name: str) -> None:
    assert pixels(draw_reasons(replace(explained(), watched=name))["units"]).shape[1] > 500


def test_names_of_files_are_plain_short_and_each_once() -> None:
    names = ["a/b.png", "a-b.jpg", "../../etc/x.PNG", "mnist.gz#7", "...", "long" * 50 + ".tiff", "ä b"]
    found = file_names(names)
    assert found[:5] == ["a-b", "a-b-2", "etc-x", "mnist.gz-7", "image"]
    assert len(found[5]) == 60
    assert found[6] == "ä-b"
    assert not any("/" in name or name.startswith(".") for name in found)
