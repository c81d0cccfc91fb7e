"""The page of reasons: escaped, whole, quiet, and the same for the same content."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from ilk.measures import UnitHealth
from ilk.report.content import Card, Neighbor
from ilk.report.explanation import (
    Explanation,
    ExplanationContent,
    GridPicture,
    ResponseCurve,
    UnitPicture,
    enlarge,
    render_explanation,
)

if TYPE_CHECKING:
    from tests.conftest import Watched

HOSTILE = "<script>alert(1)</script>&amp;"


def explained(name: str = "a.png") -> Explanation:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 12, 16)).astype(np.uint8)
    amounts = np.linspace(-1, 1, 9)
    return Explanation(
        branches=1,
        shown=Card(name, image, name, 0.7, "check", neighbors=(Neighbor(name, image, name, 1.5),)),
        watched=name,
        watched_is="its answer",
        probability=0.7,
        layer="conv3",
        units=[UnitPicture("3", image, 0.4, 1.2), UnitPicture("4", image)],
        unit_requested=False,
        pixels=image,
        drop=rng.uniform(-0.2, 0.6, (12, 16)),
        moved=rng.uniform(0, 3, (12, 16)),
        side=4,
        curves=[
            ResponseCurve("shift right", "px", amounts.tolist(), [0.5] * 9, np.abs(amounts).tolist()),
            ResponseCurve("scale", "×", (2**amounts).tolist(), [0.5] * 9, [0.0] * 9),
            ResponseCurve("rotation", "°", (180 * amounts).tolist(), [0.5] * 9, [1.0] * 9),
        ],
    )


def content(name: str = "a.png") -> ExplanationContent:
    png = BytesIO()
    Image.new("RGB", (90, 60)).save(png, "PNG")
    return ExplanationContent(
        title=name,
        images=[explained(name), explained("b.png")],
        grids=[GridPicture(name, png.getvalue(), "how to read it")],
        moments=["epoch 0", "final"],
        health=[UnitHealth("conv1", 4, (0, 0), (0, 0)), UnitHealth("conv2", 4, (1, 4), (2, 0))],
        looked_at="all 7 images",
        plots=name,
        version="1",
        command=name,
    )


def test_foreign_names_are_escaped_and_the_text_is_the_same_twice() -> None:
    page = render_explanation(content(HOSTILE))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 5
    assert page == render_explanation(content(HOSTILE))


def test_each_figure_is_said_in_words() -> None:
    page = render_explanation(content())
    assert "without it 40%; the point moves 1.2" in page
    assert f"up to {explained().drop.max():.0%} of probability" in page
    assert f"Orange: covering it helps, by up to {-explained().drop.min():.0%}." in page
    assert "4 × 4 pixels" in page
    assert page.count("without it") == 2  # of two images, and not of the unit that was asked for


def words_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page.split("</style>")[1]).split())


def test_it_says_which_class_is_watched_and_why() -> None:
    words = words_of(render_explanation(content()))
    assert "watches the probability of “ a.png ”, its answer: 70% with nothing changed" in words
    assert "Each map of conv3 was silenced by itself. These units cost “ a.png ” the most" in words
    assert "None of them alone" not in words  # without unit 3: 40%
    alone = replace(explained(), units=[UnitPicture("3", explained().pixels, 0.695, 1.2)])
    assert "None of them alone costs it 1%" in words_of(render_explanation(replace(content(), images=[alone])))
    asked = replace(explained(), unit_requested=True, units=[UnitPicture("5", explained().pixels)])
    assert "Unit 5 of conv3, brought back" in words_of(render_explanation(replace(content(), images=[asked])))


def test_dead_and_saturated_units_are_a_table_of_the_layers_that_have_some() -> None:
    words = words_of(render_explanation(content()))
    assert "On all 7 images: a unit is dead" in words
    assert "Layer Units epoch 0 final conv2 4 1 dead, 2 saturated all dead The other layer: none" in words
    words = words_of(render_explanation(replace(content(), health=[UnitHealth("conv1", 4, (0, 0), (0, 0))])))
    assert "No unit of any layer was either, neither at epoch 0 nor at final." in words


def test_what_hardly_matters_stays_pale() -> None:
    def spread(scale: float) -> float:
        one = replace(explained(), drop=explained().drop * 0 + scale, pixels=np.zeros((1, 12, 16), dtype=np.uint8))
        page = render_explanation(replace(content(), images=[one], grids=[], health=[]))
        uri = page.split('alt="map of the probability lost"')[0].rsplit('src="', 1)[1].split('"')[0]
        import base64

        pixels = np.asarray(Image.open(BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGB"), dtype=float)
        return float(np.abs(pixels[..., 0] - pixels[..., 2]).mean())

    assert spread(0.0) < 1
    assert spread(0.001) < 5
    assert spread(0.5) > 30


def test_a_page_without_images_holds_the_grids() -> None:
    page = render_explanation(replace(content(), images=[], health=[]))
    assert page.count("<section") == 1
    assert "how to read it" in page
    assert "units of a layer" in page


def test_pixels_are_enlarged_whole_times() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    assert enlarge(image, 7).tolist() == [[[0, 0, 1, 1, 2, 2]] * 2 + [[3, 3, 4, 4, 5, 5]] * 2]
    assert np.array_equal(enlarge(image, 2), image)


@pytest.mark.parametrize("width", [390, 1280])
def test_it_stands_alone_in_a_browser(watched: Watched, tmp_path: Path, width: int) -> None:
    file = tmp_path / "explanation.html"
    file.write_text(render_explanation(content("a-very-long-name" * 12)), encoding="utf-8")
    watched.page.set_viewport_size({"width": width, "height": 844})
    watched.open(file)
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    assert watched.page.locator("img").evaluate_all("all => all.every(img => img.naturalWidth > 0)")
    assert watched.requests == []
    assert watched.complaints == []
