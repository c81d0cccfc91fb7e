"""`ilk check`: says what would be used, and writes nothing anywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ilk.data import Skipped
from ilk.data.summary import SHOWN_SKIPPED, skipped_lines
from tests.cli.pictures import CLASSES, draw, png, snapshot, write_folders
from tests.finished_runs import LABELS, Ilk


def test_the_account_is_complete_and_nothing_is_written(ilk: Ilk, pets: Path, tmp_path: Path) -> None:
    (pets / "bar" / "broken.png").write_bytes(b"\x89PNG")
    before = snapshot(tmp_path)
    said = ilk("check", pets)
    assert said.code == 0
    assert "25 found = 24 used + 1 skipped" in said.out
    assert "        skipped bar/broken.png: " in said.out
    assert "12 labeled in 3 classes (4 each: bar, cross, dot), 12 unlabeled" in said.out
    assert "28×28 px, gray" in said.out
    skipped, checked = ilk("check", pets, "--json").events
    assert (skipped["event"], skipped["file"]) == ("skipped", "bar/broken.png")
    assert checked["found"] == checked["used"] + checked["skipped"] == 25
    assert checked["labeled"] + checked["unlabeled"] == checked["used"]
    assert checked["classes"] == dict.fromkeys(CLASSES, LABELS)
    assert (checked["channels"], checked["height"]) == (1, 28)
    assert snapshot(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pets"]


def test_many_skipped_files_are_grouped_on_the_screen_and_not_in_json(ilk: Ilk, pets: Path) -> None:
    for number in range(SHOWN_SKIPPED + 3):
        (pets / f"{number:02}.png").write_bytes(b"")
    (pets / "page.jpg").write_text("<html>404</html>")
    for number in (1, 2):
        (pets / f"large{number}.png").write_bytes(png(np.zeros((100, 100 + number), dtype=np.uint8)))
    lines = [line.strip() for line in ilk("check", pets, "--max-pixels", 1000).out.splitlines() if "skipped" in line]
    assert lines[1:] == [
        f"{SHOWN_SKIPPED + 3} skipped, the first 00.png: it is empty (0 bytes)",
        "2 skipped, the first large1.png: it has 101 x 100 pixels, more than --max-pixels 1,000 allows",
        "skipped page.jpg: it is HTML, not an image (a download that went wrong?)",
        "skipped.csv of a run and `ilk check --json` name every file",
    ]
    *skipped, checked = ilk("check", pets, "--max-pixels", 1000, "--json").events
    assert len(skipped) == checked["skipped"] == SHOWN_SKIPPED + 6
    assert {event["reason"] for event in skipped[:3]} == {"it is empty (0 bytes)"}


def test_more_kinds_than_fit_are_counted() -> None:
    shown = skipped_lines([Skipped(f"{n}.png", f"reason {'x' * n}") for n in range(SHOWN_SKIPPED + 5)])
    assert len(shown) == SHOWN_SKIPPED + 2
    assert shown[-2:] == ["and 5 more of other kinds", "skipped.csv of a run and `ilk check --json` name every file"]


def test_images_that_fit_would_refuse_are_told(ilk: Ilk, tmp_path: Path) -> None:
    write_folders(tmp_path / "pets", draw(1, seed=1), [None] * 3)
    said = ilk("check", "pets")
    assert (said.code, "`ilk fit` would refuse: pets: none of its 3 images has a label" in said.out) == (0, True)


def test_pictures_above_the_limit_are_skipped(ilk: Ilk, pets: Path) -> None:
    (pets / "large.png").write_bytes(png(draw(1, seed=1)[0].pixels.repeat(2, 0)))
    (skipped, _) = ilk("check", pets, "--max-pixels", 200, "--json").events
    assert skipped["file"] == "large.png"


@pytest.mark.parametrize("content", [None, b"", b"\x89PNG"])
def test_nothing_to_use_is_refused(ilk: Ilk, tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "pets").mkdir()
    if content is not None:
        (tmp_path / "pets" / "a.png").write_bytes(content)
    said = ilk("check", "pets")
    assert said.code == 3
    assert "pets holds no image" in said.error


def test_a_mistyped_path_is_guessed(ilk: Ilk, pets: Path) -> None:
    said = ilk("check", "pest")
    assert said.code == 3
    assert said.error == "pest does not exist. Did you mean pets?"
