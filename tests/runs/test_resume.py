"""A run goes on from a program as it does from a terminal."""

from __future__ import annotations

import pytest

from ilk.errors import UsageError
from ilk.runs.resume import resume_run
from ilk.storage.run import Run
from tests.cli.pictures import snapshot
from tests.cli.stopped import assert_same_run
from tests.finished_runs import Finished, Stopped
from tests.runs.recording import Recording


def test_a_finished_run_stays_as_it_is(finished: Finished) -> None:
    before, listener = snapshot(finished.run), Recording()
    assert resume_run(finished.run, events=listener) == Run(finished.run)
    assert "nothing to do" in listener.said[0]
    assert listener.emitted == [
        {"event": "ready", "run": str(finished.run), "report": str(finished.run / "report.html")}
    ]
    assert snapshot(finished.run) == before


def test_a_stopped_run_ends_as_if_it_had_not_been_stopped(
    stopped: Stopped, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.chdir(str(tmp_path))
    run, listener = stopped.copied(), Recording()
    resume_run(run.path, events=listener)
    assert listener.emitted[0] == {"event": "resumed", "run": str(run.path), "step": 4}
    assert_same_run(stopped.whole, run.path)


def test_what_is_no_run_is_refused(tmp_path: object) -> None:
    with pytest.raises(UsageError, match="holds no config"):
        resume_run(str(tmp_path))
