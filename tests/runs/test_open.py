"""What is opened: a run, an exported model where that is enough, and never the one in the place of the other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ilk.errors import UsageError
from ilk.runs.open import is_exported, open_space, place_in
from ilk.runs.request import name_of
from tests.finished_runs import Finished


def test_run_and_data_that_were_swapped_are_named_in_their_order(finished: Finished) -> None:
    with pytest.raises(UsageError, match=f"the run comes first. Write: ilk search {finished.run} {finished.data}"):
        open_space(finished.data, str(finished.run), "search")


def test_an_exported_model_is_enough_for_answers_alone(finished: Finished, tmp_path: Path) -> None:
    model = Path(shutil.copytree(finished.run / "model", tmp_path / "taken"))
    assert is_exported(model)
    assert not is_exported(finished.run)
    assert open_space(model, command="predict")[1].classes == ("bar", "cross", "dot")
    with pytest.raises(UsageError):
        open_space(model, command="search")
    with pytest.raises(UsageError, match="`out` p"):
        place_in(model, "p.csv")
    assert place_in(finished.run, "p.csv") == finished.run / "p.csv"


def test_a_result_is_called_after_its_data(tmp_path: Path) -> None:
    (tmp_path / "my.pets").mkdir()
    assert [name_of(str(tmp_path / name)) for name in ("my.pets", "dot.png")] == ["my.pets", "dot"]
    assert name_of("/") == "data"
