"""What a run says and saves of each record."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ilk.data import from_arrays
from ilk.methods import NeighborMethod
from ilk.runs.recorder import labels_with_company, record_line, write_metrics
from ilk.storage.run import Run
from ilk.training import Curve
from tests.cli.pictures import rows

RECORD = {"epoch": 1.5, "step": 3.0, "labeled": 0.25, "entropy": 0.5, "consistency": 1 / 3}


def test_a_line_says_where_the_run_is_and_each_term() -> None:
    line = record_line({**RECORD, "own_error": 0.125}, NeighborMethod.curves, steps=12, labels=1200)
    assert line.split()[:2] == ["epoch", "1.5/6.0"]
    assert "labeled 0.250  entropy 0.500  consistency 0.333" in line
    assert "leave-one-out 12.5% (n=1,200, optimistic)" in line
    assert "nothing to leave out" in record_line(RECORD, NeighborMethod.curves, steps=12, labels=0)
    other = record_line({"epoch": 1.0, "step": 2.0, "pull": 0.5}, [Curve("pull", "Pull")], steps=2, labels=0)
    assert "pull 0.500   own labels" in other


def test_only_labels_of_a_class_with_several_can_be_left_out() -> None:
    dataset = from_arrays(np.zeros((6, 2, 2), dtype=np.uint8), ["a", "a", "b", None, "c", "c"])
    assert labels_with_company(dataset) == 4


def test_metrics_are_a_row_for_each_record(tmp_path: Path) -> None:
    write_metrics(Run(tmp_path), [RECORD, {**RECORD, "step": 6.0}])
    assert [row["step"] for row in rows(tmp_path / "metrics.csv")] == ["3", "6"]
    assert float(rows(tmp_path / "metrics.csv")[0]["consistency"]) == 0.333333333
    write_metrics(Run(tmp_path), [])
    assert (tmp_path / "metrics.csv").read_text() == "epoch,step\n"
