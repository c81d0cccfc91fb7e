"""A run from a program: what listens hears, what is built once, how it stops, and what its pages say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ilk.errors import InterruptedRunError, UsageError
from ilk.model import initial_weights
from ilk.runs import outputs
from ilk.runs.events import Stop
from ilk.runs.fit import fit_run
from ilk.runs.request import Request
from ilk.runs.resume import resume_run
from ilk.storage.run import Run, read_config
from tests.cli.stopped import assert_same_run
from tests.finished_runs import Stopped
from tests.runs.recording import Recording


def request(data: Path, **change: object) -> Request:
    return Request(str(data), **{"epochs": 0.1, "size": 12, **change})


def test_a_start_builds_the_network_once(pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be built is refused before the folder is begun, by its shapes alone."""
    built: list[torch.nn.Module] = []
    build = initial_weights.build
    monkeypatch.setattr(
        initial_weights, "build", lambda *given, **options: built.append(build(*given, **options)) or built[-1]
    )
    listener = Recording()
    run = fit_run(request(pets), tmp_path / "run", command=["fit", "pets", "--epochs", "0.1"], events=listener)
    assert len(built) == 1
    assert (listener.emitted[0]["event"], listener.emitted[-1]["event"]) == ("data", "ready")
    assert listener.said[0].startswith("Data ")
    assert "ilk fit pets --epochs 0.1" in run.report.read_text("utf-8")
    # Another run in its place says its own command.
    fit_run(request(pets, seed=1), run.path, overwrite=True, command=["fit", "again"])
    assert "ilk fit again" in run.report.read_text("utf-8")


def test_a_request_to_stop_whose_exception_was_swallowed_is_still_honored(
    stopped: Stopped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Ctrl-C that falls into a callback of the interpreter is printed and forgotten; the request remains."""
    stop = Stop()

    def note_it(*_: object) -> None:
        stop.requested = True

    with monkeypatch.context() as patched:
        patched.setattr(outputs, "write_pixels", note_it)
        with pytest.raises(InterruptedRunError, match="Go on from step 6"):
            fit_run(request(stopped.data, epochs=6), tmp_path / "run", stop=stop)
    run = Run(tmp_path / "run")
    assert not read_config(run)["finished"]
    assert not run.report.exists()
    assert resume_run(run.path) == run
    assert_same_run(stopped.whole, run.path)


def test_a_run_cannot_take_the_place_of_its_start(pets: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="another `out`"):
        fit_run(request(pets, start=str(tmp_path / "run")), tmp_path / "run", overwrite=True)


@pytest.mark.parametrize(
    "change", [{"size": 3}, {"network": "vit"}, {"device": "cuda:99"}, {"freeze_to": "features.1"}]
)
def test_what_cannot_be_meant_leaves_no_folder(pets: Path, tmp_path: Path, change: dict) -> None:
    with pytest.raises(UsageError):
        fit_run(request(pets, **change), tmp_path / "run")
    assert not (tmp_path / "run").exists()
