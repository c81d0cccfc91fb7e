"""`ilk explain`: a page of reasons for images, the pictures of the units, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Finished, Ilk


@pytest.fixture
def run(finished: Finished, tmp_path: Path) -> Path:
    return shutil.copytree(finished.run, tmp_path / "run")


def images_of(finished: Finished, count: int) -> list[Path]:
    return sorted((finished.data / "test").rglob("*.png"))[:count]


def test_the_page_explains_each_image_as_it_is_predicted(ilk: Ilk, finished: Finished, run: Path) -> None:
    images = images_of(finished, 2)
    said = ilk("explain", run, *images, "--json")
    *explained, page = said.events
    assert said.code == 0, said
    for event, image in zip(explained, images, strict=True):
        ilk("predict", run, image, "--out", "told.csv")
        label = Path("told.csv").read_text().splitlines()[1].split(",")[1]
        assert event["filename"] == image.name
        assert event["label"] == label
        assert event["layer"] == "features.14"
        assert len(event["units"]) == 9
    assert page["page"] == str(run / "explanation.html")
    text = (run / "explanation.html").read_text()
    for image in images:
        assert image.name in text
    assert text.count("without it") == 18
    assert ilk("explain", run, images[0]).out.splitlines()[-1] == str(run / "explanation.html")  # replaced


def test_one_unit_of_one_layer(ilk: Ilk, finished: Finished, run: Path) -> None:
    (image,) = images_of(finished, 1)
    said = ilk("explain", run, image, "--layer", "features.4", "--unit", 7, "--out", "one.html", "--json")
    assert said.events[0]["units"] in (["7"], ["7 (silent)"])
    assert "Unit 7 of features.4" in Path("one.html").read_text()
    assert not (run / "explanation.html").exists()


def test_top9_draws_every_layer_of_the_runs_own_images(ilk: Ilk, finished: Finished, run: Path) -> None:
    plots = ilk("explain", run, "--top9", "--json").events[-1]["plots"]
    assert [Path(plot).name for plot in plots] == [f"units-features.{i}.png" for i in (0, 4, 7, 10, 14)]
    for plot in plots:
        with Image.open(plot) as picture:
            assert picture.size[0] >= 700
    assert (run / "explanation.html").read_text().count("units of a layer") == 5
    only = ilk("explain", run, "--top9", "--layer", "features.7", "--unit", 3, "--json").events[-1]["plots"]
    assert [Path(plot).name for plot in only] == ["units-features.7.png"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Name one IMAGE or more, or ask for --top9"),
        (("IMAGE", "--layer", "feature.4"), "Did you mean features.4?"),
        (("IMAGE", "--unit", "999"), "has no unit 999. Allowed: 0 to 127"),
        (("--top9", "--unit", "999"), "has no unit 999"),
        (("FOLDER",), "at most 20 images, not 24"),
        (("IMAGE", "--out", "mine.html"), "was not written by Ilk"),
        (("IMAGE", "--out", "nowhere/page.html"), "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    ilk: Ilk, finished: Finished, run: Path, arguments: tuple[str, ...], words: str
) -> None:
    Path("mine.html").write_text("mine")
    named = {"IMAGE": str(images_of(finished, 1)[0]), "FOLDER": str(finished.data / "test")}
    said = ilk("explain", run, *(named.get(word, word) for word in arguments))
    assert said.code == 2
    assert words in said.error
    assert Path("mine.html").read_text() == "mine"
    assert not (run / "explanation.html").exists()
