"""`ilk demo`: real digits end to end, the error on held-out ones last."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ilk.runs.demo import HELD_OUT, LABELS_PER_CLASS
from tests.cli.pictures import rows, snapshot
from tests.finished_runs import Ilk


def test_the_demo_ends_with_the_error_on_held_out_digits(ilk: Ilk, tmp_path: Path) -> None:
    said = ilk("demo", "--epochs", "0.3")
    assert said.code == 0, said
    last = said.out.splitlines()[-1]
    assert last.startswith("Error ")
    assert f"of {HELD_OUT}, 95% interval" in last
    assert last.endswith("test images")
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["demo", "demo-images"]
    manifest = rows(tmp_path / "runs/demo/manifest.csv")
    assert len(manifest) == 1797 - HELD_OUT
    labels = Counter(row["label"] for row in manifest)
    assert labels.pop("") == 1797 - HELD_OUT - 10 * LABELS_PER_CLASS
    assert set(labels.values()) == {LABELS_PER_CLASS}
    assert (tmp_path / "runs/demo/report.html").is_file()


def test_the_demo_leaves_foreign_folders_alone(ilk: Ilk, pets: Path) -> None:
    before = snapshot(pets)
    said = ilk("demo", "--out", pets)
    assert said.code == 2
    assert "is no Ilk run" in said.error
    assert snapshot(pets) == before
    assert not Path(f"{pets}-images").exists()
