"""A model is whole, or the error says which file is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ilk.errors import ModelError, UsageError
from ilk.runs.verify import verify_model
from tests.finished_runs import Finished


def test_a_run_and_its_model_are_whole(finished: Finished) -> None:
    of_run, of_model = verify_model(finished.run), verify_model(finished.run / "model")
    assert of_run.folder == of_model.folder == finished.run / "model"
    assert of_run.facts() == of_model.facts()
    assert of_run.facts()["classes"] == ["bar", "cross", "dot"]


def test_a_part_of_the_run_that_is_missing_is_named(finished: Finished, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished.run, tmp_path / "run"))
    (run / "metrics.csv").unlink()
    with pytest.raises(ModelError, match=r"missing or damaged: metrics\.csv\. .*ilk resume"):
        verify_model(run)
    assert verify_model(run / "model").folder == run / "model"
    with pytest.raises((ModelError, UsageError)):
        verify_model(tmp_path / "nowhere")
