"""An evaluation comes back as a value, and its page says by which command it was made, or by none."""

from __future__ import annotations

import shutil
from pathlib import Path

from ilk.runs.evaluate import evaluate_run
from tests.finished_runs import Finished
from tests.runs.recording import Recording


def test_the_page_names_the_command_that_was_handed_in(finished: Finished, tmp_path: Path, monkeypatch: object) -> None:
    run, listener = Path(shutil.copytree(finished.run, tmp_path / "run")), Recording()
    found = evaluate_run(run, finished.data, command=["evaluate", "my run", "pets"], events=listener)
    assert found.page == run / "evaluation.html"
    assert "ilk evaluate &#39;my run&#39; pets" in found.page.read_text("utf-8")
    assert (found.split, len(found.truth), found.as_json()["errors"]) == ("test", 24, found.errors)
    assert (listener.said, listener.emitted) == ([], [])
    evaluate_run(run, finished.data)
    assert "Made with" not in found.page.read_text("utf-8")  # a program made it, whatever its own arguments
