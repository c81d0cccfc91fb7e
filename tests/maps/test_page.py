"""The page as text: whole, self-contained, the same every time, and safe with foreign names."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from ilk.errors import ShapeError
from ilk.maps import MapContent, render_page
from tests.maps.contents import content

EVIL = "</script><img src=x onerror=alert(1)><!--\"'&\u2028{{ 7*7 }}"


def column(page: str, name: str, kind: str) -> np.ndarray:
    found = re.search(r'id="columns">(.*?)</script>', page, re.DOTALL)
    assert found
    return np.frombuffer(base64.b64decode(json.loads(found[1])[name]), dtype=kind)


def words(page: str) -> dict:
    found = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_columns_are_those_of_the_content() -> None:
    shown = content(50)
    page = render_page(shown)
    assert words(page)["names"] == list(shown.names)
    assert column(page, "target", "<i4").tolist() == shown.targets.tolist()
    assert column(page, "answer", "<i4").tolist() == shown.answers.tolist()
    np.testing.assert_allclose(column(page, "confidence", "<u2") / 1e4, shown.confidence, atol=1e-4)
    assert column(page, "neighbor", "<i4").reshape(-1, 3).tolist() == shown.neighbors.tolist()
    x, y = column(page, "x", "<f4"), column(page, "y", "<f4")
    assert 0.9 < max(np.abs(x).max(), np.abs(y).max()) < 1
    turned = np.corrcoef(np.r_[x, y], np.r_[shown.positions[:, 0], shown.positions[:, 1]])[0, 1]
    assert turned > 0.99


def test_foreign_names_stay_text() -> None:
    evil = replace(content(8), title=EVIL, names=[EVIL, *"bcdefg", "\udcff.png"], classes=[EVIL, "b", "c"])
    page = render_page(evil)
    assert "<img src=x" not in page
    assert "49" not in re.findall(r"<title>(.*?)</title>", page)[0]
    assert words(page)["names"][0] == EVIL
    assert words(page)["classes"][0] == EVIL
    page.encode("utf-8")


def test_the_page_loads_nothing_and_runs_only_its_own_two_scripts() -> None:
    page = render_page(content(8))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src ")
    assert len(re.findall(r"'sha256-[\w+/=]{44}'", policy[1])) == 2
    assert "'unsafe-inline'" not in policy[1].split("script-src")[1]
    assert not re.search(r"https?://", re.sub(r"http://www\.w3\.org/\S+", "", page))


def test_the_same_content_gives_the_same_text() -> None:
    assert render_page(content(20)) == render_page(content(20))


def test_the_table_counts_each_class() -> None:
    shown = content(60)
    page = render_page(shown)
    for c, name in enumerate(shown.classes):
        labels = int((shown.targets == c).sum())
        answers = int(((shown.targets < 0) & (shown.answers == c)).sum())
        assert f"<bdi>{name}</bdi></th><td>{labels}</td><td>{answers}</td>" in page


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(ShapeError, match="60 images needs one row of names for each, not 3"):
        render_page(replace(content(60), names=["a", "b", "c"]))


def test_without_images_there_are_no_sheets() -> None:
    shown: MapContent = replace(content(8), images=None)
    assert 'id="sheet-' not in render_page(shown)
