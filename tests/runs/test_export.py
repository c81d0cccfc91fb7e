"""A model taken away answers as the run did; places where it cannot go are refused by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ilk.errors import UsageError
from ilk.runs.export import export_model
from ilk.runs.predict import predict_images
from ilk.runs.verify import verify_model
from tests.finished_runs import Finished


def test_the_exported_model_answers_like_the_run(finished: Finished, tmp_path: Path) -> None:
    taken = export_model(finished.run, tmp_path / "taken")
    assert taken.folder == tmp_path / "taken"
    assert taken.facts() == verify_model(tmp_path / "taken").facts()
    predict_images(finished.run, finished.data, split="test", out=tmp_path / "run.csv")
    predict_images(taken.folder, finished.data, split="test", out=tmp_path / "taken.csv")
    assert (tmp_path / "run.csv").read_bytes() == (tmp_path / "taken.csv").read_bytes()
    with pytest.raises(UsageError, match="`overwrite`"):
        export_model(finished.run, tmp_path / "taken")
    with pytest.raises(UsageError, match="stays as it is"):
        predict_images(taken.folder, finished.data)


def test_a_place_inside_the_run_is_refused(finished: Finished, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished.run, tmp_path / "run"))
    with pytest.raises(UsageError, match="`out`"):
        export_model(run, run / "model" / "taken")
