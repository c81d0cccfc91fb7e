"""The plots as files: only those that have data, readable alone, the same every time."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ilk.measures import Confusion
from ilk.report import ReportContent, draw_plots
from ilk.report.plots import DOTS_PER_INCH
from tests.report.contents import strange, whole

PARTS = {
    "curves.png": "history",
    "confusion.png": "confusion",
    "reliability.png": "reliability",
    "labels.png": "label_counts",
}


def opened(png: bytes) -> tuple[np.ndarray, float]:
    """Its pixels, and its dots per inch."""
    with Image.open(BytesIO(png)) as picture:
        return np.asarray(picture.convert("RGB")), picture.info["dpi"][0]


def test_each_is_drawn_on_white_at_print_size() -> None:
    plots = draw_plots(whole())
    assert set(plots) == set(PARTS)
    for png in plots.values():
        image, dpi = opened(png)
        assert dpi == pytest.approx(DOTS_PER_INCH, abs=0.1)
        border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
        assert (border == 255).all()  # white, and nothing is cut off
        assert (image < 128).any()


@pytest.mark.parametrize("name", PARTS)
def test_each_is_drawn_from_its_own_data_alone(name: str) -> None:
    classes = whole().classes if name == "confusion.png" else ()
    alone = replace(ReportContent("", classes=classes), **{PARTS[name]: getattr(whole(), PARTS[name])})
    assert set(draw_plots(alone)) == {name}


def test_nothing_is_drawn_from_nothing() -> None:
    assert draw_plots(ReportContent("empty")) == {}


def test_names_of_any_script_and_length_are_drawn() -> None:
    for png in draw_plots(strange()).values():
        image, _ = opened(png)
        border = np.concatenate([image[:, :4].reshape(-1, 3), image[:, -4:].reshape(-1, 3)])
        assert (border == 255).all()


def test_the_same_content_gives_the_same_bytes_and_another_one_others() -> None:
    few, more = (ReportContent("pets", label_counts={"cat": n, "dog": 3}) for n in (4, 9))
    assert draw_plots(few) == draw_plots(few)
    assert draw_plots(few) != draw_plots(more)


def test_many_classes_are_drawn_as_their_most_frequent_mistakes() -> None:
    n = 300
    names = tuple(f"genus species {i}" for i in range(n))
    counts = 9 * np.eye(n, dtype=np.int64)

    def content() -> ReportContent:
        sparse = Confusion.from_dense(counts)
        return ReportContent("many", classes=names, confusion=sparse, label_counts=dict.fromkeys(names, 4))

    assert set(draw_plots(content())) == {"labels.png"}  # no mistake, nothing to draw
    counts[3, 4] = 2
    image, _ = opened(draw_plots(content())["confusion.png"])
    assert max(image.shape) < 2000
