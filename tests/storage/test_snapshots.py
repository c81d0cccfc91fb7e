"""Weights kept of an epoch: what was given comes back, under a name and a note that say when it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from ilk.errors import ResourceError
from ilk.storage import files
from ilk.storage.run import Run, create_run
from ilk.storage.snapshots import evolution_path, save_evolution

WEIGHTS = {"a.weight": torch.arange(6.0).view(2, 3).T, "b.count": torch.tensor(7), "a.bias": torch.zeros(3)}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return create_run(tmp_path / "run", overwrite=False, config={})


@pytest.mark.parametrize(
    ("epoch", "name"), [(0.0, "0"), (0.5, "0.5"), (10.0, "10"), (1e6, "1000000"), (1 / 3, "0.333333")]
)
def test_what_was_given_comes_back(run: Run, epoch: float, name: str) -> None:
    save_evolution(run, epoch, 12, WEIGHTS)
    path = run.path / "evolution" / f"epoch-{name}.safetensors"
    assert path == evolution_path(run, epoch)
    found = load_file(path)
    assert found.keys() == WEIGHTS.keys()
    assert all(torch.equal(found[key], tensor) for key, tensor in WEIGHTS.items())
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"epoch": name, "step": "12"}


def test_a_failed_write_leaves_the_earlier_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    save_evolution(run, 1.0, 3, WEIGHTS)
    before = evolution_path(run, 1.0).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(ResourceError):
        save_evolution(run, 1.0, 3, {"a": torch.ones(2)})
    assert evolution_path(run, 1.0).read_bytes() == before
    assert os.listdir(run.evolution) == ["epoch-1.safetensors"]


def test_overwriting_a_run_takes_them_away(run: Run) -> None:
    save_evolution(run, 1.0, 3, WEIGHTS)
    create_run(run.path, overwrite=True, config={})
    assert not run.evolution.exists()
