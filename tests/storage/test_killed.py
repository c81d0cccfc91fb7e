"""Killed at any operation of the file system while it saves, a run has its last checkpoint or the one before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ilk.storage import files
from ilk.storage.checkpoint import save_checkpoint
from ilk.storage.run import create_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(("count", "stride"), [(20, 2), pytest.param(200, 1, marks=pytest.mark.slow)])
def test_each_death_leaves_the_last_checkpoint_or_the_one_before(count: int, stride: int, tmp_path: Path) -> None:
    program = [sys.executable, str(Path(__file__).with_name("killed.py")), str(tmp_path), str(count), str(stride)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(program, capture_output=True, text=True, check=True, env=env, timeout=250)
    deaths = json.loads(done.stdout)
    assert len(deaths) == count
    for death in deaths:
        # Nothing that was finished is lost; at most the one that was being saved is there too.
        assert (death["loaded"] or 0) in (death["finished"], death["finished"] + 1), death
        assert death["goes_on"] == count * stride // 10 + 2, death
        assert death["left"] == [], death
    assert deaths[0]["loaded"] is None
    assert {death["loaded"] for death in deaths} >= {None, 1, 2}


def test_a_file_is_on_the_disk_before_it_gets_its_name_and_the_name_before_the_next_file(
    tmp_path: Path, monkeypatch
) -> None:
    import torch

    run, order = create_run(tmp_path / "run", overwrite=False, config={}), list[str]()
    fsync, replace = files.os.fsync, files.os.replace

    def synced(handle: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        order.append(f"sync {path.name.split('.')[-1] if path.is_file() else path.name}")
        fsync(handle)

    def named(source: Path, target: Path) -> None:
        order.append(f"name {Path(target).suffix}")
        replace(source, target)

    monkeypatch.setattr(files.os, "fsync", synced)
    monkeypatch.setattr(files.os, "replace", named)
    save_checkpoint(run, {"w": torch.zeros(2)}, {"step": 1})
    steps = ["sync partial", "name {}", "sync checkpoints"]
    assert order == ["sync run", *(step.format(suffix) for suffix in (".safetensors", ".json") for step in steps)]
