"""`ilk verify`: 0 for what is whole, 4 with the reason for all else, without torch where the files tell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load, save

from tests.cli.pictures import snapshot
from tests.finished_runs import Finished, Ilk
from tests.model.whole_model import flip, reseal

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = "weights.safetensors"


@pytest.fixture
def run(finished: Finished, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished.run, tmp_path / "run"))


def test_a_whole_run_and_its_model(ilk: Ilk, run: Path) -> None:
    before = snapshot(run)
    for path in ("run", "run/model"):
        said = ilk("verify", path)
        assert said.code == 0
        first, *rest = said.out.splitlines()
        assert first.startswith("Whole   run/model: 3 classes")
        assert "5 files and no other" in rest[0]
        assert "neighbor-mnist" in rest[1]
        assert "12 labeled points in 128 dimensions" in rest[2]
        assert "5 self-test images: same labels, same nearest, points off by 0 " in rest[3]
    assert snapshot(run) == before


def test_for_programs(ilk: Ilk, run: Path) -> None:
    (event,) = ilk("verify", "run", "--json").events
    assert (event["event"], event["model"], event["labeled"]) == ("verified", "run/model", 12)
    assert event["classes"] == ["bar", "cross", "dot"]
    assert event["bytes"] == sum(event["files"].values())
    assert 0 <= event["deviation"] <= 1e-4
    said = ilk("verify", "run", "--quiet")
    assert len(said.out.splitlines()) == 1


def other_weights(model: Path) -> None:
    """Trained further and sealed again: everything fits, only the answers are others."""
    weights = load((model / WEIGHTS).read_bytes())
    weights["features.0.weight"] += 0.01
    (model / WEIGHTS).write_bytes(save(weights))
    reseal(model)


DAMAGE = [
    (lambda model: flip(model / WEIGHTS, 300_000, 3), "weights.safetensors is damaged: its SHA-256"),
    (lambda model: (model / WEIGHTS).unlink(), "weights.safetensors is missing"),
    (lambda model: (model / "more.txt").touch(), "more.txt is no part of this model"),
    (shutil.rmtree, "no such folder"),
    (other_weights, "answers otherwise to its self-test images than when it was saved"),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGE)
@pytest.mark.parametrize("path", ["run", "run/model"])
def test_damage_is_named(ilk: Ilk, run: Path, damage, reason: str, path: str) -> None:
    damage(run / "model")
    said = ilk("verify", path)
    assert said.code == 4
    assert reason in said.error
    assert said.out == ""
    assert ("ilk resume run" in said.error) == (path == "run")
    *_, event = ilk("verify", path, "--json").events
    assert event == {"error": said.error, "exit_code": 4}


def test_a_run_that_lost_another_part(ilk: Ilk, run: Path) -> None:
    (run / "manifest.csv").unlink()
    assert ilk("verify", "run/model").code == 0
    said = ilk("verify", "run")
    assert said.code == 4
    assert "manifest.csv" in said.error
    assert "ilk resume run" in said.error


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_what_is_no_model(ilk: Ilk, path: str) -> None:
    said = ilk("verify", path)
    assert said.code == 4
    assert "holds no saved model" in said.error


def test_damage_is_found_without_torch(run: Path) -> None:
    flip(run / "model" / "references.safetensors", 1000, 0)
    code = (
        "import sys; from ilk.cli import main; code = main(['verify', sys.argv[1]]);"
        "sys.exit(99 if 'torch' in sys.modules else code)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, str(run / "model")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 4, done.stderr
    assert "references.safetensors is damaged" in done.stderr
