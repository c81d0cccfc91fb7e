"""What happens to a run while it works: killed as it reads, short of memory, not alone, its images gone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from torch import Tensor

from ilk.methods import NeighborMethod
from ilk.runs.request import Request
from ilk.sampling import Batch
from ilk.storage.lock import holding
from ilk.storage.run import Run, read_config
from ilk.training import Moment
from tests.cli.pictures import snapshot
from tests.cli.stopped import LONG, assert_same_run
from tests.finished_runs import Finished, Ilk, Stopped

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = (sys.executable, "-c", "import sys; from ilk.cli import main; sys.exit(main())")


def test_config_json_is_there_before_torch_and_a_run_killed_while_it_reads_begins_again(
    ilk: Ilk, stopped: Stopped, tmp_path: Path
) -> None:
    # Killed at the import of torch, by a module of that name which comes first on the path.
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "torch.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    env = {**os.environ, "PYTHONPATH": f"{tmp_path / 'first'}{os.pathsep}{ROOT}"}
    started = time.time()
    command = [*PROGRAM, "fit", str(stopped.data), *LONG, "--out", "broken"]
    done = subprocess.run(command, capture_output=True, cwd=tmp_path, env=env, check=False)
    assert done.returncode == -signal.SIGKILL
    config = read_config(Run(Path("broken")))
    assert config["request"]["data"] == str(stopped.data)
    assert Path("broken/config.json").stat().st_mtime - started < 2

    assert ilk("predict", "broken", stopped.data).code == 2
    assert ilk("resume", "broken", "--json").code == 0
    assert "reading" not in read_config(Run(Path("broken")))
    assert_same_run(stopped.whole, Path("broken"))
    assert not Path("broken/.lock").exists()


@pytest.mark.parametrize(
    ("every", "steps"), [("2", [2, 4, 6]), ("4 steps", [4, 6]), ("1h", [6]), ("0.000001s", range(1, 7))]
)
def test_checkpoints_come_at_the_interval_that_was_asked_for(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch, every: str, steps: list[int]
) -> None:
    saved: list[int] = []
    monkeypatch.setattr("ilk.runs.recorder.save_checkpoint", lambda run, tensors, state: saved.append(state["step"]))
    monkeypatch.setattr("ilk.runs.train.write_outputs", lambda *_: None)
    assert ilk("fit", pets, *LONG, "--out", "run", "--checkpoint-every", every).code == 0
    assert saved == list(steps)


@pytest.mark.parametrize("every", ["0", "-1", "0s", "soon", "1.5", "nan", "infs", "10 s steps", ""])
def test_no_interval(ilk: Ilk, pets: Path, every: str) -> None:
    said = ilk("fit", pets, *LONG, "--out", "run", "--checkpoint-every", every)
    assert said.code == 2
    assert f"--checkpoint-every {every!r} is no interval" in said.error
    assert not Path("run").exists()


def test_a_second_process_is_refused_by_every_command_that_writes_into_the_run(
    ilk: Ilk, finished: Finished, stopped: Stopped
) -> None:
    run, whole = stopped.copied(), Run(Path(shutil.copytree(finished.run, "whole")))
    image = next(finished.data.rglob("*.png"))
    commands = [
        (run, ("fit", stopped.data, *LONG, "--out", run.path, "--overwrite")),
        (run, ("resume", run.path)),
        (whole, ("fit", stopped.data, *LONG, "--out", whole.path, "--overwrite")),
        (whole, ("evaluate", whole.path, finished.data)),
        (whole, ("map", whole.path, "--method", "pca")),
        (whole, ("explain", whole.path, image)),
    ]
    for held, command in commands:
        with holding(held):
            before = snapshot(held.path)
            said = ilk(*command)
            assert said.code == 2
            assert f"Another process ({os.getpid()}) is writing into {held.path}" in said.error
            assert snapshot(held.path) == before
    with holding(whole):
        assert ilk("predict", whole.path, finished.data, "--out", "p.csv").code == 0
        assert ilk("resume", whole.path).code == 0  # finished, so nothing is written
    assert ilk("resume", run.path).code == 0


def short_of_memory(patch: pytest.MonkeyPatch, since: int, most: int = 10**9) -> None:
    real = NeighborMethod.terms

    def terms(self: NeighborMethod, batch: Batch, moment: Moment) -> dict[str, Tensor]:
        if moment.step >= since and len(batch.pool) > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
        return real(self, batch, moment)

    patch.setattr(NeighborMethod, "terms", terms)


def test_out_of_memory_halves_the_batch_with_words_and_then_gives_up(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        short_of_memory(patched, since=2, most=48)
        said = ilk("fit", pets, *LONG, "--out", "run")
    assert said.code == 0
    words = "out of memory: from step 3 on, each step looks at 1/2 as many images as asked for"
    assert f"warning: {words}" in said.err
    assert words in Path("run/train.log").read_text()
    assert "memory was short: each step looks at 1/2 as many" in Path("run/report.html").read_text()

    with monkeypatch.context() as patched:
        short_of_memory(patched, since=2, most=1)
        said = ilk("fit", pets, *LONG, "--out", "broken")
    assert said.code == 5
    assert [f"1/{n}" in said.err for n in (2, 4, 8, 16)] == [True, True, True, False]
    assert "after the batch was halved 3 times" in said.error
    assert said.error.endswith("Go on from step 4 with: ilk resume broken")
    with monkeypatch.context() as patched:  # with a little more memory it goes on, still with the small batch
        short_of_memory(patched, since=0, most=12)
        assert ilk("resume", "broken").code == 0


def test_out_of_memory_while_the_answers_are_made_says_from_where_it_goes_on(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr("ilk.runs.train.write_outputs", no_memory)
        said = ilk("fit", pets, *LONG, "--out", "broken")
    assert said.code == 5
    assert said.error.startswith("Out of memory.")
    assert said.error.endswith("Go on from step 6 with: ilk resume broken")
    assert ilk("resume", "broken").code == 0


def test_images_that_vanish_after_they_were_read_change_nothing_but_the_way_back(
    ilk: Ilk, stopped: Stopped, monkeypatch: pytest.MonkeyPatch
) -> None:
    pets = Path(shutil.copytree(stopped.data, "pets"))
    load = Request.load

    def and_vanish(self: Request, console: object) -> object:
        dataset = load(self, console)  # type: ignore[arg-type]
        pets.rename("gone")
        return dataset

    with monkeypatch.context() as patched:
        patched.setattr(Request, "load", and_vanish)
        assert ilk("fit", pets, *LONG, "--out", "run").code == 0
    assert_same_run(stopped.whole, Path("run"))
    Path("run/report.html").unlink()
    said = ilk("resume", "run")
    assert said.code == 3
    assert "pets does not exist" in said.error


def test_an_image_that_vanishes_while_the_others_are_read_is_skipped_by_its_name(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ilk.data import stack as assembling

    decode, gone = assembling.decode, sorted((pets / "unlabeled").iterdir())[-1]

    def and_vanish(*given: object) -> object:
        gone.unlink(missing_ok=True)
        return decode(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(assembling, "decode", and_vanish)
    said = ilk("fit", pets, *LONG, "--out", "run", "--json")
    assert said.code == 0
    facts = json.loads(said.out.splitlines()[0])
    assert (facts["used"], facts["skipped"]) == (23, 1)
    assert f"unlabeled/{gone.name}" in Path("run/skipped.csv").read_text()
