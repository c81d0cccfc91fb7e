"""Signals: once, the state is saved; twice or after the last step, at once; and no word promises what is not there."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ilk.storage.checkpoint import load_checkpoint
from ilk.storage.run import Run
from tests.cli.stopped import LONG, interrupt_after
from tests.finished_runs import Ilk, Stopped

ROOT = Path(__file__).resolve().parents[2]


def test_a_signal_while_the_answers_are_written_stops_at_once_and_says_so(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    with monkeypatch.context() as patched:
        patched.setattr("ilk.runs.outputs.write_manifest", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        said = ilk("fit", pets, *LONG, "--out", "broken")
    assert said.code == 130
    assert said.error == "Stopped at once. Go on from step 6 with: ilk resume broken"
    assert "Stopping after this step" not in said.err
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before
    with monkeypatch.context() as patched:  # once more: now no step comes at all
        patched.setattr("ilk.runs.outputs.write_manifest", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        said = ilk("resume", "broken")
    assert said.error == "Stopped at once. Go on from step 6 with: ilk resume broken"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_while_the_images_are_read_leaves_nothing(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr("ilk.data.load", lambda *_, **__: os.kill(os.getpid(), number))
    said = ilk("fit", pets, *LONG, "--out", "broken")
    assert said.code == 130
    assert said.error == "Interrupted while the images were read; nothing was written."
    assert not Path("broken").exists()


def test_before_the_first_checkpoint_nothing_is_promised(ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        interrupt_after(1, patched, times=2, number=signal.SIGTERM)
        said = ilk("fit", pets, *LONG, "--out", "broken")
    assert said.code == 130
    assert said.error == "Stopped at once. No checkpoint was saved yet. Begin again with: ilk resume broken"
    assert load_checkpoint(Run(Path("broken"))) is None


def test_hang_up_is_ignored_under_nohup(ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interrupt_after(2, monkeypatch, number=signal.SIGHUP)
        assert ilk("fit", pets, *LONG, "--out", "run").code == 0
    finally:
        signal.signal(signal.SIGHUP, earlier)


IN_A_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that closing the terminal is a hang-up for this process
from ilk.cli import main
sys.exit(main())
"""


def test_a_terminal_that_is_closed_stops_the_run_after_the_step_and_saves_it(stopped: Stopped, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", IN_A_TERMINAL, "fit", str(stopped.data), "--epochs", "5000", "--size", "12"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2", "TERM": "xterm"}
    with subprocess.Popen(
        [*command, "--out", "broken"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
        env=env,
        start_new_session=True,
    ) as program:
        os.close(theirs)
        seen = b""
        while b"leave-one-out" not in seen:  # it trains
            seen += os.read(ours, 4096)
        os.close(ours)
        assert program.wait(60) == 130
    saved = load_checkpoint(Run(tmp_path / "broken"))
    assert saved is not None
    assert f"Stopped after step {saved[1]['step']}; the state is saved" in (tmp_path / "broken/train.log").read_text()
