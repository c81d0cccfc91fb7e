"""The same seed gives the same bytes on one machine, whatever the order of a folder, its place, language or zone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.stopped import LONG, SAME, assert_same_run
from tests.finished_runs import Stopped

ROOT = Path(__file__).resolve().parents[2]
ALL = (*SAME, "manifest.csv", "skipped.csv", "labels_unmatched.csv", "plots/map.png")

SHUFFLED = """
import os, random, sys
from pathlib import Path

def shuffling(real):
    def call(*given):
        found = list(real(*given))
        random.Random(len(found)).shuffle(found)
        return found
    return call

class Entries(list):
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def close(self):
        pass

scandir = os.scandir
os.scandir = lambda *given: Entries(shuffling(scandir)(*given))
os.listdir = shuffling(os.listdir)
from ilk.cli import main
from ilk.data import stack as assembling
workers = int(os.environ.get("WORKERS", "0"))
if workers:
    assembling._processors = lambda: workers
sys.exit(main())
"""
PLAIN = "import sys; from ilk.cli import main; sys.exit(main())"


def fitted(data: Path, run: Path, program: str, environment: dict[str, str]) -> Path:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2", **environment}
    command = [sys.executable, "-c", program, "fit", str(data), *LONG, "--out", str(run)]
    subprocess.run(command, check=True, env=env, capture_output=True)
    return run


def assert_same_files(one: Path, other: Path) -> None:
    assert_same_run(one, other)
    assert [name for name in ALL if (one / name).read_bytes() != (other / name).read_bytes()] == []


def test_everything_around_a_run_is_different_and_its_bytes_are_the_same(stopped: Stopped, tmp_path: Path) -> None:
    elsewhere = Path(shutil.copytree(stopped.data, tmp_path / "a" / "place with ünusual letters" / "pets"))
    for path in sorted(elsewhere.rglob("*.png"), reverse=True):  # other times, and another order on the disk
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)
    around = {"TZ": "Pacific/Auckland", "LC_ALL": "C", "LANG": "C", "PYTHONHASHSEED": "77", "WORKERS": "7"}
    assert_same_files(stopped.whole, fitted(elsewhere, tmp_path / "run", SHUFFLED, around))


MATRIX = [
    (SHUFFLED, {}),
    (SHUFFLED, {"WORKERS": "1"}),
    (SHUFFLED, {"WORKERS": "8"}),
    *((PLAIN, {"PYTHONHASHSEED": seed}) for seed in ("0", "1", "4294967295")),
    *((PLAIN, {"LC_ALL": name, "LANG": name}) for name in ("C", "POSIX", "C.UTF-8", "tr_TR.UTF-8", "de_DE.UTF-8")),
    *((PLAIN, {"TZ": name}) for name in ("UTC", "Asia/Kathmandu", "Pacific/Kiritimati")),
    (PLAIN, {"PYTHONUTF8": "1"}),
    (PLAIN, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}),
    (PLAIN, {"OMP_DYNAMIC": "false", "OMP_PROC_BIND": "false"}),
    (PLAIN, {"COLUMNS": "40", "TERM": "dumb"}),
]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("program", "environment"), MATRIX, ids=[str(environment) for _, environment in MATRIX])
def test_one_thing_around_a_run_is_different(
    stopped: Stopped, tmp_path: Path, program: str, environment: dict[str, str]
) -> None:
    assert_same_files(stopped.whole, fitted(stopped.data, tmp_path / "run", program, environment))


@pytest.mark.slow
def test_the_place_of_the_data_and_of_the_run_are_different(stopped: Stopped, tmp_path: Path) -> None:
    for place in ("x", "a/b/c/d/e/f", "with space", "-dash", "ünicode"):
        data = Path(shutil.copytree(stopped.data, tmp_path / place / "pets"))
        assert_same_files(stopped.whole, fitted(data, tmp_path / place / "run", PLAIN, {}))
