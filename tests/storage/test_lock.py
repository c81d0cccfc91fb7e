"""One process at a time writes into a run, whatever became of the one before; what cannot begin was never there."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ilk.errors import DataError, ModelError, ResourceError, UsageError
from ilk.storage import files
from ilk.storage.lock import READING, begin_run, holder, holding
from ilk.storage.run import LOCK, Run, create_run, read_config, reset_run

HOLDER = """
import sys, time
from pathlib import Path
from ilk.storage.lock import holding
from ilk.storage.run import Run
with holding(Run(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(20)
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(tmp_path / "run", overwrite=False, config={})


def names(run: Run) -> list[str]:
    return sorted(path.name for path in run.path.iterdir())


def test_a_second_process_is_refused_with_the_pid_of_the_first_and_a_killed_one_holds_nothing(run: Run) -> None:
    program = [sys.executable, "-c", HOLDER, str(run.path)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match=rf"Another process \({other.pid}\).*kill {other.pid}$"), holding(run):
            pass
        assert LOCK in names(run)  # it is the other's
        assert holder(run) == str(other.pid)
        with pytest.raises(UsageError, match=rf"\({other.pid}\)"), begin_run(run, overwrite=False, config={}):
            pass
        other.kill()
        other.wait()
    assert LOCK in names(run)  # nobody has cleared it away
    assert holder(run) == ""
    with holding(run):
        assert (run.path / LOCK).read_text() == f"{os.getpid()}\n"
    assert names(run) == ["config.json"]


def test_a_lock_file_that_its_holder_has_just_removed_is_not_taken_for_the_lock(run: Run, monkeypatch) -> None:
    real, calls = fcntl.flock, []

    def flock(handle: int, how: int) -> None:
        if not calls:
            (run.path / LOCK).rename(run.path / "removed")  # between our opening and our locking
            (run.path / LOCK).touch()  # and a third process has come
        calls.append(handle)
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    with holding(run):
        assert len(calls) == 2
        monkeypatch.undo()
        with pytest.raises(UsageError, match="Another process"), holding(run):
            pass


def test_a_file_system_without_locks_is_worked_on_without(run: Run, monkeypatch) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with holding(run):
        pass
    assert names(run) == ["config.json"]


def test_what_a_killed_process_left_half_written_is_removed_and_nothing_else(run: Run) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    run.checkpoints.mkdir()
    left = [run.path / f".config.json.{ended.pid}.partial", run.checkpoints / f".step-1.json.{ended.pid}.partial"]
    kept = [run.path / f".p.csv.{os.getppid()}.partial", run.path / ".notes.partial", run.path / "1.partial"]
    for path in left + kept:
        path.touch()
    with holding(run):
        assert [path for path in left + kept if path.exists()] == kept


def test_a_run_that_begins_notes_what_was_asked_for_at_once(tmp_path: Path) -> None:
    run = Run(tmp_path / "runs" / "new")
    with begin_run(run, overwrite=False, config={"asked": 1}):
        assert read_config(run)[READING]
        assert read_config(run)["asked"] == 1
        for overwrite in (False, True):
            with pytest.raises(UsageError, match="Another process"), begin_run(run, overwrite=overwrite, config={}):
                pass
        reset_run(run, {"asked": 2})
    assert read_config(run)["asked"] == 2
    assert READING not in read_config(run)
    assert names(run) == ["config.json"]


@pytest.mark.parametrize("error", [DataError("bad"), KeyboardInterrupt(), SystemExit(1)])
def test_a_run_that_cannot_begin_leaves_the_place_as_it_was(tmp_path: Path, error: BaseException) -> None:
    (tmp_path / "empty").mkdir()
    earlier = create_run(tmp_path / "earlier", overwrite=False, config={"asked": 0})
    earlier.metrics.write_text("kept")
    before = sorted(tmp_path.rglob("*"))
    for name in ("new", "deep/new", "empty", "earlier"):
        with pytest.raises(type(error)), begin_run(Run(tmp_path / name), overwrite=True, config={"asked": 1}):
            raise error
        assert sorted(tmp_path.rglob("*")) == before
    assert read_config(earlier)["asked"] == 0


def test_what_has_begun_stays_and_so_does_what_somebody_else_put_there(tmp_path: Path) -> None:
    run = Run(tmp_path / "a" / "run")
    with pytest.raises(DataError), begin_run(run, overwrite=False, config={}):  # noqa: PT012
        reset_run(run, {})
        raise DataError("too late")
    assert names(run) == ["config.json"]
    other = Run(tmp_path / "b" / "run")
    with pytest.raises(DataError), begin_run(other, overwrite=False, config={}):  # noqa: PT012
        (other.path / "notes.txt").touch()
        raise DataError("bad")
    assert names(other) == ["notes.txt"]


def test_a_folder_with_nothing_but_a_killed_process_s_lock_is_free(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / LOCK).touch()
    run = Run(tmp_path / "run")
    with begin_run(run, overwrite=False, config={}):
        reset_run(run, {})
    assert names(run) == ["config.json"]


def test_without_room_for_its_first_file_a_run_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(ResourceError, match=r"config.json \(\d+ bytes\)"):  # noqa: SIM117
        with begin_run(Run(tmp_path / "run"), overwrite=False, config={}):
            pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [LOCK, "train.log", "checkpoints/step-000000001.json"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_nothing_is_written_through_a_link_and_no_pipe_is_waited_for(run: Run, name: str, kind: str) -> None:
    (run.path / name).parent.mkdir(exist_ok=True)
    outside = run.path.parent / "precious"
    outside.write_text("mine")
    if kind == "link":
        (run.path / name).symlink_to(outside)
    else:
        os.mkfifo(run.path / name)
    with pytest.raises(UsageError, match=f"{name} is a link, a pipe or a device"), holding(run):
        pass
    assert outside.read_text() == "mine"


def test_a_folder_of_the_run_that_is_a_link_is_refused(run: Run) -> None:
    (run.path.parent / "photos").mkdir()
    run.plots.symlink_to(run.path.parent / "photos")
    with pytest.raises(UsageError, match="plots is a link"), begin_run(run, overwrite=True, config={}):
        pass


def test_a_pipe_in_place_of_the_settings_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(ModelError, match="is no file"):
        read_config(Run(tmp_path))
