"""The answers that come back are those in the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from ilk.errors import UsageError
from ilk.runs.predict import predict_images
from tests.cli.pictures import rows
from tests.finished_runs import Finished
from tests.runs.recording import Recording


def test_what_comes_back_is_what_was_written(finished: Finished, tmp_path: Path) -> None:
    listener, out = Recording(), tmp_path / "p.csv"
    found = predict_images(finished.run, finished.data, out=out, split="test", events=listener)
    table = rows(out)
    assert (found.path, found.skipped, len(table)) == (out, 0, 24)
    assert [row["filename"] for row in table] == list(found.names)
    assert [row["label"] for row in table] == [found.classes[label] for label in found.answers.label]
    assert sum(found.answers.status_counts().values()) == 24
    assert (listener.worked, listener.warned, listener.said, listener.emitted) == (["Reading", "Embed"], [], [], [])
    predict_images(finished.run, finished.data, out=out, split="test", events=listener)
    assert [warning.split(" was there")[0] for warning in listener.warned] == [str(out)]


def test_a_place_is_refused_by_its_python_name(finished: Finished, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("my,own\n")
    for out in (tmp_path / "mine.csv", tmp_path / "p.txt", tmp_path / "no" / "p.csv", tmp_path):
        with pytest.raises(UsageError, match="`out`"):
            predict_images(finished.run, finished.data, out=out)
