"""A run goes on only as what it was: other settings, data or software are refused by name, and nothing is changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from ilk.runs.recorder import Recorder
from ilk.storage.run import read_config, update_config
from tests.cli.pictures import snapshot
from tests.cli.stopped import assert_same_run
from tests.finished_runs import Ilk, Stopped


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("torch", "1.0.0", f"torch 1.0.0 is now {torch.__version__}"),
        ("ilk", "0.0.1", "ilk 0.0.1 is now"),
        ("numpy", "1.0", "numpy 1.0 is now"),
        ("faiss", "1.0", "faiss 1.0 is now"),
    ],
)
def test_another_version_is_refused_by_its_name(
    ilk: Ilk, stopped: Stopped, name: str, value: str, sentence: str
) -> None:
    run = stopped.copied()
    update_config(run, versions={**read_config(run)["versions"], name: value})
    before = snapshot(run.path)
    said = ilk("resume", run.path)
    assert said.code == 2
    assert sentence in said.error
    assert snapshot(run.path) == before


def test_python_and_pillow_may_change_while_the_pixels_stay_and_another_processor_is_said(
    ilk: Ilk, stopped: Stopped
) -> None:
    run = stopped.copied()
    config = read_config(run)
    update_config(
        run,
        versions={**config["versions"], "python": "3.9.0", "pillow": "1.0"},
        machine={**config["machine"], "processor": "abacus"},
    )
    said = ilk("resume", run.path)
    assert said.code == 0
    assert "the processor was abacus and is now" in said.err


def test_another_pillow_is_named_where_the_pixels_differ(ilk: Ilk, stopped: Stopped) -> None:
    run = stopped.copied()
    pets = Path(shutil.copytree(stopped.data, "pets"))
    next((pets / "unlabeled").iterdir()).unlink()
    config = read_config(run)
    asked = {**config["request"], "data": str(pets.resolve())}
    update_config(run, request=asked, versions={**config["versions"], "pillow": "1.0"})
    said = ilk("resume", run.path)
    assert said.code == 3
    assert "images were 24 and are 23; Pillow, which reads them, was 1.0 and is" in said.error


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"settings": {"seed": 5}}, "settings.seed was 0 and is 5"),
        ({"settings": {"epochs": 60.0}}, "settings.epochs was 6.0 and is 60.0"),
        ({"network": "resnet-18"}, "network was 'neighbor-mnist' and is 'resnet-18'"),
        ({"size": 16, "dim": 8}, "dim was None and is 8, size was 12 and is 16"),
    ],
)
def test_changed_settings_are_refused_by_name(ilk: Ilk, stopped: Stopped, change: dict, sentence: str) -> None:
    run = stopped.copied()
    asked = read_config(run)["request"]
    settings = {**asked["settings"], **change.get("settings", {})}
    update_config(run, request={**asked, **change, "settings": settings})
    before = snapshot(run.path)
    said = ilk("resume", run.path)
    assert said.code == 2
    assert sentence in said.error
    assert snapshot(run.path) == before


def test_data_that_are_not_found_are_asked_for(ilk: Ilk, stopped: Stopped) -> None:
    run = stopped.copied()
    asked = {**read_config(run)["request"], "data": str(Path("gone").resolve())}
    update_config(run, request=asked)
    said = ilk("resume", run.path)
    assert said.code == 3
    assert "gone does not exist" in said.error
    assert said.error.endswith(f'If the images have moved, write their new place into {run.config}, as "data".')


@pytest.mark.parametrize(("name", "value"), [("checkpoint_every", "xx"), ("settings", 3)])
def test_a_setting_that_is_none_is_no_fault_of_ilk(ilk: Ilk, stopped: Stopped, name: str, value: object) -> None:
    run = stopped.copied()
    update_config(run, request={**read_config(run)["request"], name: value})
    said = ilk("resume", run.path)
    assert said.code == 4
    assert "config.json does not describe a run" in said.error


def test_data_that_moved_and_an_interval_that_changed_are_no_other_run(ilk: Ilk, stopped: Stopped) -> None:
    run = stopped.copied()
    shutil.copytree(stopped.data, "moved")
    asked = {**read_config(run)["request"], "data": str(Path("moved").resolve()), "checkpoint_every": "1"}
    update_config(run, request=asked)
    assert ilk("resume", run.path).code == 0
    assert_same_run(stopped.whole, run.path)


def test_a_resumed_run_has_the_threads_that_it_began_with(
    ilk: Ilk, stopped: Stopped, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stopped.copied()
    before, seen = torch.get_num_threads(), []
    assert read_config(run)["machine"]["threads"] == before
    on_step = Recorder.on_step
    monkeypatch.setattr(Recorder, "on_step", lambda *given: (seen.append(torch.get_num_threads()), on_step(*given))[1])
    torch.set_num_threads(1 if before > 1 else 2)
    try:
        assert ilk("resume", run.path).code == 0
        assert torch.get_num_threads() != before
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {before}
    assert_same_run(stopped.whole, run.path)


def test_a_device_that_is_not_here_is_named(ilk: Ilk, stopped: Stopped) -> None:
    run = stopped.copied()
    update_config(run, machine={"device": "cuda:99", "processor": "H", "threads": 2})
    said = ilk("resume", run.path)
    assert said.code == 2
    assert "was begun on cuda:99, which is not usable here" in said.error
    assert "--device" not in said.error
    update_config(run, finished=True)
    shutil.copytree(stopped.whole / "checkpoints", run.checkpoints, dirs_exist_ok=True)
    assert ilk("resume", run.path).code == 0  # nothing is left to train, so any device will do
    assert_same_run(stopped.whole, run.path)
