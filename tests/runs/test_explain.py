"""An explanation comes back as a value: the answer for each image, and where the page and its pictures lie."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ilk.errors import UsageError
from ilk.runs.explain import explain_run
from ilk.runs.explained_image import same_as
from tests.finished_runs import Finished


def test_what_comes_back_is_what_the_page_shows(finished: Finished, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished.run, tmp_path / "run"))
    image = sorted((finished.data / "test" / "dot").iterdir())[0]
    found = explain_run(run, [str(image)], layer="features.4", unit=3, command=["explain", "run", "--unit", "3"])
    assert (found.page, found.layer) == (run / "explanation.html", "features.4")
    (one,) = found.explained
    assert (one.shown.name, len(one.units), len(one.shown.neighbors)) == (image.name, 1, 3)
    assert found.plots
    assert all(path.is_file() for path in found.plots)
    page = found.page.read_text("utf-8")
    assert "ilk explain run --unit 3" in page
    assert one.shown.answer in page


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layer": "features.99"}, "features"),
        ({"layer": "features.4", "unit": 999}, "no unit 999"),
        ({"label": "dott"}, "Did you mean dot"),
        ({"evolution": True}, "`keep_epochs`"),
        ({"out": Path("nowhere/x.html")}, "`out`"),
    ],
)
def test_what_the_run_does_not_have_is_refused(finished: Finished, options: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        explain_run(finished.run, ["nowhere.png"], **options)
    with pytest.raises(UsageError, match="Name one image"):
        explain_run(finished.run)


def test_the_same_pixels_are_no_evidence() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 1, 3, 3), dtype=np.uint8)
    images[3] = images[1]
    labeled = images.copy()
    assert same_as(images[1], labeled) == [1, 3]
    assert same_as(images[1] ^ 1, labeled) == []
    assert same_as(images[1], None) == []
    assert same_as(images[1][:, :2], labeled) == []
