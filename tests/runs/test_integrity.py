"""What a finished run lacks, and from where an unfinished one goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ilk.runs.integrity import broken_parts, resume_hint
from ilk.storage.run import Run, create_run
from tests.finished_runs import Finished, Stopped


@pytest.mark.parametrize(
    "part", ["report.html", "manifest.csv", "metrics.csv", "predictions.csv", "embeddings.parquet"]
)
def test_a_part_that_is_missing_or_empty_is_named(finished: Finished, tmp_path: Path, part: str) -> None:
    run = Run(Path(shutil.copytree(finished.run, tmp_path / "run")))
    assert broken_parts(run) == []
    (run.path / part).write_bytes(b"")
    assert broken_parts(run) == [part]
    (run.path / part).unlink()
    assert broken_parts(run) == [part]


def test_the_hint_looks_at_what_is_there(stopped: Stopped, tmp_path: Path) -> None:
    new = create_run(tmp_path / "my run", overwrite=False, config={})
    assert resume_hint(new) == f"No checkpoint was saved yet. Begin again with: ilk resume '{new.path}'"
    run = Run(Path(shutil.copytree(stopped.run, tmp_path / "stopped")))
    assert resume_hint(run) == f"Go on from step 4 with: ilk resume {run.path}"
    for path in run.checkpoints.glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-1])
    assert resume_hint(run) == "No checkpoint is whole. Train again by `ilk fit`."
