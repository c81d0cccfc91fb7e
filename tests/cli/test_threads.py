"""Threads that a run chose: saved before they are used, repeated after a kill, and replayed bit for bit."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
import torch

from ilk.runs import threads
from ilk.runs.recorder import Recorder
from ilk.runs.threads import THREADS, threads_are_open
from ilk.storage.run import Run, read_config, update_config
from ilk.training.threads import ThreadChooser
from tests.cli.stopped import assert_same_run
from tests.finished_runs import Ilk, Stopped

EPOCHS, SEEN = 12, 7
FIT = ("--epochs", EPOCHS, "--size", 12, "--checkpoint-every", 3)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The threads of each step made; the command line finds the number of threads open."""
    before, made = torch.get_num_threads(), list[int]()
    on_step = Recorder.on_step
    monkeypatch.setattr(Recorder, "on_step", lambda *given: (made.append(torch.get_num_threads()), on_step(*given))[1])
    monkeypatch.setattr(threads, "threads_are_open", lambda: True)
    for name in threads.FIXING:
        monkeypatch.delenv(name, raising=False)
    torch.set_num_threads(2)  # one would leave nothing to choose
    yield made
    torch.set_num_threads(before)


def answer(monkeypatch: pytest.MonkeyPatch, *answers: tuple[int, int]) -> None:
    """In place of the pace, these answers decide, again and again."""
    remaining = cycle(answers)
    monkeypatch.setattr(ThreadChooser, "next", lambda chooser: next(remaining))
    monkeypatch.setattr(ThreadChooser, "add", lambda chooser, seconds: None)


def copy_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a `kill -9` just after a step would leave of the run at "whole", as the folder "killed"."""
    on_step = Recorder.on_step

    def and_copy(self: Recorder, now: int, total: int | None) -> None:
        on_step(self, now, total)
        if now == step and not Path("killed").exists():
            shutil.copytree("whole", "killed", ignore=shutil.ignore_patterns(".lock"))

    monkeypatch.setattr(Recorder, "on_step", and_copy)


def test_a_killed_run_repeats_its_threads_and_then_chooses_anew(
    ilk: Ilk, stopped: Stopped, counts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, (2, 1), (1, 1), (2, 2), (1, 5))
    copy_at(SEEN, monkeypatch)
    assert ilk("fit", stopped.data, *FIT, "--out", "whole").code == 0
    whole, killed = list(counts), Run(Path("killed"))
    assert whole == [2, 1, 2, 2, 1, 1, 1, 1, 1, 2, 1, 2]
    assert read_config(killed)[THREADS] == {"until": 9, "from": {"0": 2, "1": 1, "2": 2, "4": 1}}

    counts.clear()
    answer(monkeypatch, (1, 1), (2, 9))
    assert ilk("resume", "killed").code == 0
    assert counts == [
        *whole[6:9],
        1,
        2,
        2,
    ]  # the checkpoint was of step 6; step 9 is the first that nothing is known of
    chosen = read_config(killed)[THREADS]
    assert chosen["from"] == {"0": 2, "1": 1, "2": 2, "4": 1, "10": 2}

    shutil.copytree("killed", "again")
    again = Run(Path("again"))
    shutil.rmtree(again.checkpoints)
    update_config(again, finished=False)
    counts.clear()
    answer(monkeypatch, (1, 100))
    assert ilk("resume", "again").code == 0
    assert counts == [*whole[:9], 1, 2, 2]
    assert_same_run(killed.path, again.path)


def test_a_count_fixed_since_then_is_taken_beyond_what_is_saved(
    ilk: Ilk, stopped: Stopped, counts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, (2, 4), (1, 4), (2, 4))
    copy_at(SEEN, monkeypatch)
    assert ilk("fit", stopped.data, *FIT, "--out", "whole").code == 0
    counts.clear()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert ilk("resume", "killed").code == 0
    assert counts == [1] * 6  # what the run itself chose last


def test_threads_that_are_fixed_are_left_alone(ilk: Ilk, stopped: Stopped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThreadChooser, "next", lambda chooser: pytest.fail("asked"))
    assert ilk("fit", stopped.data, *FIT, "--out", "whole").code == 0
    assert THREADS not in read_config(Run(Path("whole")))


def test_they_are_fixed_by_the_environment_or_by_a_program_that_has_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in threads.FIXING:
        monkeypatch.delenv(name, raising=False)
    assert not threads_are_open()
    monkeypatch.delitem(sys.modules, "torch")
    assert threads_are_open()
    for name in threads.FIXING:
        monkeypatch.setenv(name, "2")
        assert not threads_are_open()
        monkeypatch.delenv(name)


def test_real_steps_are_timed_and_their_threads_saved(ilk: Ilk, stopped: Stopped, counts: list[int]) -> None:
    assert ilk("fit", stopped.data, "--epochs", 30, "--size", 12, "--out", "whole").code == 0
    saved = read_config(Run(Path("whole")))[THREADS]
    changes = {int(step): count for step, count in saved["from"].items()}
    assert saved["until"] >= len(counts) == 30
    assert counts == [changes[max(start for start in changes if start <= step)] for step in range(30)]
    assert set(counts) == {1, 2}
