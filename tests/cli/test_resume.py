"""`ilk resume`: a finished run stays as it is, changed data are refused, and a killed program's run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ilk.runs.recorder import Recorder
from tests.cli.pictures import snapshot
from tests.finished_runs import Finished, Ilk

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-c", "import sys; from ilk.cli import main; sys.exit(main())")
LONG = ("--epochs", "20", "--size", "12")


def test_a_finished_run_stays_as_it_is(ilk: Ilk, finished: Finished) -> None:
    before = snapshot(finished.run)
    said = ilk("resume", finished.run)
    assert said.code == 0
    assert "is finished; nothing to do" in said.out
    (event,) = ilk("resume", finished.run, "--json").events
    assert event["event"] == "ready"
    assert snapshot(finished.run) == before


def change_a_pixel(pets: Path) -> None:
    path = next(pets.rglob("*.png"))
    pixels = np.array(Image.open(path))
    pixels[0, 0] ^= 255
    Image.fromarray(pixels).save(path)


def change_a_label(pets: Path) -> None:
    path = next((pets / "bar").iterdir())
    path.rename(pets / "dot" / path.name)


def lose_an_image(pets: Path) -> None:
    next((pets / "unlabeled").iterdir()).unlink()


@pytest.mark.parametrize("change", [change_a_pixel, change_a_label, lose_an_image])
def test_changed_data_are_refused_and_the_state_is_kept(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch, change
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "on_step", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        assert ilk("fit", pets, *LONG, "--out", "run").code == 130
    change(pets)
    before = snapshot(Path("run"))
    said = ilk("resume", "run")
    assert said.code == 3
    assert f"{pets} has changed since run began" in said.error
    assert snapshot(Path("run")) == before


def test_a_damaged_checkpoint_is_refused(ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "on_step", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        assert ilk("fit", pets, *LONG, "--out", "run").code == 130
    (path,) = Path("run/checkpoints").glob("*.safetensors")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    said = ilk("resume", "run")
    assert said.code == 4
    assert path.name in said.error


def test_the_program_itself_stopped_by_ctrl_c_goes_on_bit_for_bit(ilk: Ilk, pets: Path, tmp_path: Path) -> None:
    """Stopped as a process of its own, resumed in this one: nothing of the state lives outside the checkpoint."""
    program = subprocess.Popen(
        [*PROGRAM, "fit", str(pets), *LONG, "--out", "broken"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "2"},
    )
    with program:
        assert program.stdout is not None
        assert any(line.startswith("epoch") for line in program.stdout)
        program.send_signal(signal.SIGINT)
        _, err = program.communicate(timeout=60)
    assert program.returncode == 130
    assert err.splitlines()[-1].endswith("Go on with: ilk resume broken")
    assert "Traceback" not in err

    assert ilk("resume", "broken").code == 0
    assert ilk("fit", pets, *LONG, "--out", "whole").code == 0
    for name in ("model/weights.safetensors", "metrics.csv", "predictions.csv"):
        assert Path("broken", name).read_bytes() == Path("whole", name).read_bytes(), name
