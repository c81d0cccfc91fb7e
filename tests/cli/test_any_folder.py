"""Any folder, any labels file: fit, predict, search and map go through, and every damaged file is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.odd_folder import OddFolder, states, write_odd_folder
from tests.cli.pictures import rows
from tests.finished_runs import Ilk

pytestmark = pytest.mark.data


def go_through(folder: OddFolder, ilk: Ilk, *, epochs: int, right: float) -> None:
    """Every command on one folder; `right` is the share of unlabeled images that must get their class."""
    before = states(folder.path)

    checked = ilk("check", folder.path)
    assert checked.code == 0
    said = ilk("fit", folder.path, "--epochs", epochs, "--out", "run")
    assert said.code == 0, said
    total = len(folder.truth) + len(folder.damaged)
    line = f"{total:,} found = {len(folder.truth):,} used + {len(folder.damaged):,} skipped"
    assert line in said.out
    assert line in checked.out

    reasons = {row["file"]: row["reason"] for row in rows(Path("run/skipped.csv"))}
    assert set(reasons) == set(folder.damaged)
    assert [
        f"{name}: {reasons[name]}" for name, words in folder.damaged.items() if not re.search(words, reasons[name])
    ] == []

    answers = {row["filename"]: row["label"] for row in rows(Path("run/predictions.csv"))}
    assert set(answers) == set(folder.truth)
    unlabeled = set(folder.truth) - folder.labeled
    assert sum(answers[name] == folder.truth[name] for name in unlabeled) >= right * len(unlabeled)

    assert ilk("predict", "run", folder.path, "--out", "again.csv").code == 0
    assert {row["filename"] for row in rows(Path("again.csv"))} == set(folder.truth)
    one = sorted(folder.truth)[0]
    found = ilk("search", "run", folder.path / one, "-k", 3)
    assert found.code == 0
    assert one in found.out.splitlines()[0]  # an image of the run is most like itself
    assert ilk("map", "run").code == 0
    assert {row["filename"] for row in rows(Path("run/map.csv"))} == set(folder.truth)

    assert states(folder.path) == before


def test_a_small_odd_folder(tmp_path: Path, data_dir: Path, ilk: Ilk) -> None:
    folder = write_odd_folder(tmp_path / "odd", data_dir, files=150, labels=30, damaged=20)
    go_through(folder, ilk, epochs=3, right=0.5)


@pytest.mark.slow
def test_two_thousand_files_in_eight_forms_with_sixty_damaged_in_ten_ways(
    tmp_path: Path, data_dir: Path, ilk: Ilk
) -> None:
    folder = write_odd_folder(tmp_path / "odd", data_dir, files=2000, labels=100, damaged=60)
    assert len(folder.damaged) == 60
    go_through(folder, ilk, epochs=10, right=0.9)
