"""A disk that is full from some change on, or a folder that is gone: what was saved before is kept and named."""

from __future__ import annotations

import errno
import re
import shutil
from pathlib import Path

import pytest

from ilk.runs.recorder import Recorder
from ilk.storage.checkpoint import load_checkpoint
from ilk.storage.run import Run
from tests.cli.full_disk import FullDisk
from tests.cli.pictures import snapshot
from tests.cli.stopped import LONG, assert_same_run
from tests.finished_runs import Ilk, Stopped

EACH_STEP = (*LONG, "--checkpoint-every", 1)


def changes_of_a_run(ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    disk = FullDisk(Path("counted"))
    with monkeypatch.context() as patched:
        disk.install(patched)
        assert ilk("fit", pets, *EACH_STEP, "--out", "counted").code == 0
    return len(disk.changes)


def full_from(i: int, ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full from the i-th change on costs at most what came after the last checkpoint."""
    before, disk = snapshot(pets), FullDisk(Path("broken"), fails_from=i)
    with monkeypatch.context() as patched:
        disk.install(patched)
        said = ilk("fit", pets, *EACH_STEP, "--out", "broken", "--overwrite")
    assert said.code == 5, i
    assert "broken" in said.error, i
    change = disk.changes[i - 1]  # a folder's fsync and renaming have no bytes
    if change.split()[0] in ("write", "fsync", "replace") and "partial" in change and change != "fsync .model.partial":
        assert re.search(r"\([\d,]+ bytes\)", said.error), (i, change, said.error)
    assert snapshot(pets) == before
    if not Path("broken").exists():
        return  # there was no room for its first file
    saved = load_checkpoint(Run(Path("broken")))
    step = saved[1]["step"] if saved else 0
    named = sum(
        re.fullmatch(r"replace checkpoints/.*\.json\..*", change) is not None for change in disk.changes[: i - 1]
    )
    assert step >= named, i
    assert (f"Go on from step {step} with" if saved else "Begin again with: ilk resume") in said.error, i
    assert not list(Path("broken").rglob(".*")), i


def test_a_disk_that_is_full_from_any_early_change_on(ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(1, 11):
        full_from(i, ilk, pets, monkeypatch)
        shutil.rmtree("broken", ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_disk_that_is_full_from_any_change_on_can_be_gone_on_from(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = changes_of_a_run(ilk, pets, monkeypatch)
    assert count > 110
    for i in range(1, count + 1):
        full_from(i, ilk, pets, monkeypatch)
        assert Path("broken").exists() or i < 20  # until it has begun, a run leaves nothing
        if i % 10 == 0 and Path("broken").exists():
            assert ilk("resume", "broken").code == 0
            assert_same_run(Path("counted"), Path("broken"))
        shutil.rmtree("broken", ignore_errors=True)


def test_a_full_disk_in_the_middle_can_be_gone_on_from(
    ilk: Ilk, stopped: Stopped, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in (70, 110):  # while it trains, and while it writes its answers
        full_from(i, ilk, stopped.data, monkeypatch)
        assert ilk("resume", "broken").code == 0
        assert_same_run(stopped.whole, Path("broken"))
        shutil.rmtree("broken")


def test_a_folder_that_may_not_be_written_to_any_more_is_named_and_the_checkpoint_before_loads(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = FullDisk(Path("broken"), fails_from=70, number=errno.EROFS)
    with monkeypatch.context() as patched:
        disk.install(patched)
        said = ilk("fit", pets, *EACH_STEP, "--out", "broken")
    assert said.code == 2
    assert "Read-only file system" in said.error
    saved = load_checkpoint(Run(Path("broken")))
    assert saved is not None
    assert said.error.endswith(f"Go on from step {saved[1]['step']} with: ilk resume broken")
    assert ilk("resume", "broken").code == 0


def test_a_run_folder_that_vanishes_is_said_to_have_vanished(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_step = Recorder.on_step

    def and_vanish(self: Recorder, step: int, total: int | None) -> None:
        on_step(self, step, total)
        if step == 3:
            shutil.rmtree("broken")

    before = snapshot(pets)
    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "on_step", and_vanish)
        said = ilk("fit", pets, *EACH_STEP, "--out", "broken")
    assert said.code == 5
    assert "The run folder broken has vanished" in said.error
    assert "resume" not in said.error
    assert snapshot(pets) == before
    assert not Path("broken").exists()
