"""Killed without a warning at any moment, a run that is resumed ends in the bytes of one that was never touched."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ilk.cli import main
from ilk.storage.checkpoint import load_checkpoint
from ilk.storage.run import Run
from tests.cli.stopped import assert_same_run
from tests.finished_runs import Ilk, Stopped

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-c", "import sys; from ilk.cli import main; sys.exit(main())")
EPOCHS, RECORDS = 80, 40
FIT = ("--epochs", str(EPOCHS), "--size", "12", "--checkpoint-every", "0.1s")


@pytest.fixture(scope="module")
def untouched(stopped: Stopped, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("untouched") / "run"
    assert main(["fit", str(stopped.data), *FIT, "--out", str(run), "--quiet"]) == 0
    return run


def killed(data: Path, folder: Path, draw: random.Random) -> None:
    """Fit in a process of its own, and kill it after a random record and a random part of the time to the next."""
    after, part = draw.randrange(RECORDS), draw.random()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": str(after)}
    command = [*PROGRAM, "fit", str(data), *FIT, "--out", "broken"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, env=env) as program:
        assert program.stdout is not None
        seen, last, between = 0, time.monotonic(), 0.05
        for line in program.stdout:
            if line.startswith("Plan"):
                last = time.monotonic()
            elif line.startswith("epoch"):
                seen, between, last = seen + 1, time.monotonic() - last, time.monotonic()
            if line.startswith(("Plan", "epoch")) and seen == after:
                time.sleep(part * between)
                break
        program.kill()
    assert program.returncode in (-9, 0)


def kill_and_resume(ilk: Ilk, stopped: Stopped, untouched: Path, seed: int) -> int | None:
    """Compare a killed and resumed run with the untouched one; the step from which it went on."""
    killed(stopped.data, Path.cwd(), random.Random(seed))
    saved = load_checkpoint(Run(Path("broken")))
    assert ilk("resume", "broken").code == 0
    assert_same_run(untouched, Path("broken"))
    assert not list(Path("broken").rglob(".*"))
    shutil.rmtree("broken")
    return saved[1]["step"] if saved else None


def test_killed_at_three_random_moments(ilk: Ilk, stopped: Stopped, untouched: Path) -> None:
    steps = [kill_and_resume(ilk, stopped, untouched, seed) for seed in (1, 2, 3)]
    assert any(step is not None and 0 < step < EPOCHS for step in steps), steps


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_at_fifty_random_moments(ilk: Ilk, stopped: Stopped, untouched: Path) -> None:
    steps = [kill_and_resume(ilk, stopped, untouched, 100 + seed) for seed in range(50)]
    assert len({step for step in steps if step is not None and 0 < step < EPOCHS}) > 10, steps
