"""A map comes back as the places of its files and what they show."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ilk.errors import UsageError
from ilk.runs.map import map_run, sampled
from tests.cli.pictures import rows
from tests.finished_runs import Finished
from tests.runs.recording import Recording


def test_what_comes_back_says_what_the_files_hold(finished: Finished, tmp_path: Path) -> None:
    run, listener = Path(shutil.copytree(finished.run, tmp_path / "run")), Recording()
    found = map_run(run, add=[str(finished.data / "test")], method="pca", events=listener)
    assert (found.page, found.picture, found.table) == (run / "map.html", run / "plots/map.png", run / "map.csv")
    assert (found.images, found.labeled, found.added) == (60, 36, 24)
    table = rows(found.table)
    assert (len(table), sum(row["added"] == "1" for row in table)) == (found.images, found.added)
    assert sum(row["status"] == "labeled" for row in table) == found.labeled
    assert (found.thumbnails, found.map.method) == (True, "pca")
    assert (listener.said, listener.warned, listener.emitted) == ([], [], [])
    map_run(run, method="pca", events=listener)
    assert listener.said == [f"Replaced the earlier {run / 'map.html'}"]


def test_a_page_in_no_folder_is_refused_before_any_work(finished: Finished, tmp_path: Path) -> None:
    for out in (tmp_path / "no" / "map.html", tmp_path / "map.png"):
        with pytest.raises(UsageError, match="`out`"):
            map_run(finished.run, out=out)


def test_a_sample_keeps_every_label() -> None:
    targets = np.array([-1, 0, -1, 1, -1, -1])
    kept = sampled(targets, 2, seed=0)
    assert {1, 3} <= set(kept.tolist())
    assert (len(kept), kept.tolist()) == (4, sorted(kept.tolist()))
    assert sampled(targets, 99, seed=0).tolist() == list(range(6))
