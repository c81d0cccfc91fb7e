from __future__ import annotations

import errno

import pytest
import torch

from ilk.errors import ModelError, ResourceError, UsageError
from ilk.storage import files
from ilk.storage.checkpoint import load_checkpoint, save_checkpoint
from ilk.storage.run import create_run


@pytest.fixture
def run(tmp_path):
    return create_run(tmp_path / "run", overwrite=False, config={})


def save(run, step):
    tensors = {"w": torch.full((3, 2), float(step)), "rng": torch.arange(5, dtype=torch.uint8)}
    save_checkpoint(run, tensors, {"step": step, "loss": 0.1 + 0.2, "seen": [2**60]})


def loaded_step(run):
    tensors, state = load_checkpoint(run)
    assert (tensors["w"] == state["step"]).all()
    return state["step"]


def names(run):
    return sorted(path.name for path in run.checkpoints.iterdir())


def test_nothing_is_there_at_first(run):
    assert load_checkpoint(run) is None


def test_comes_back_bit_for_bit(run):
    tensors = {"w": torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).T, "n": torch.tensor(7)}
    save_checkpoint(run, tensors, {"step": 12, "x": 0.1 + 0.2})
    back, state = load_checkpoint(run)
    assert state == {"step": 12, "x": 0.1 + 0.2}
    assert back.keys() == tensors.keys()
    assert all(torch.equal(back[name], tensors[name]) for name in tensors)
    assert all(back[name].dtype == tensors[name].dtype for name in tensors)


def test_two_generations_are_kept(run):
    for step in (5, 900, 1200):
        save(run, step)
    assert names(run) == [f"step-{s:09d}.{kind}" for s in (900, 1200) for kind in ("json", "safetensors")]
    assert loaded_step(run) == 1200


@pytest.mark.parametrize("crash_at", range(1, 7))
def test_a_crash_at_any_write_leaves_a_whole_checkpoint(run, monkeypatch, crash_at):
    save(run, 1)
    save(run, 2)
    calls = 0

    def counted(real):
        def call(*args):
            nonlocal calls
            calls += 1
            if calls == crash_at:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", counted(files.os.fsync))
        patch.setattr(files.os, "replace", counted(files.os.replace))
        with pytest.raises(ResourceError):
            save(run, 3)
    assert loaded_step(run) in (2, 3)
    save(run, 4)
    assert loaded_step(run) == 4
    assert not [name for name in names(run) if "partial" in name]


@pytest.mark.parametrize("kind", ["json", "safetensors"])
@pytest.mark.parametrize("damage", ["first byte", "a number", "cut", "gone"])
def test_falls_back_to_the_one_before(run, kind, damage):
    save(run, 1)
    save(run, 2)
    path = run.checkpoints / f"step-000000002.{kind}"
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        one_number = data.replace(b"0.3", b"0.2") if kind == "json" else data[:-1] + b"\x07"
        damaged = {"cut": data[:-9], "first byte": bytes([data[0] ^ 1]) + data[1:], "a number": one_number}[damage]
        assert damaged != data
        path.write_bytes(damaged)
    assert loaded_step(run) == 1


def test_going_on_from_the_one_before_keeps_it(run):
    save(run, 10)
    save(run, 20)
    (run.checkpoints / "step-000000020.safetensors").write_bytes(b"")
    assert loaded_step(run) == 10
    save(run, 15)
    assert loaded_step(run) == 15
    (run.checkpoints / "step-000000015.safetensors").write_bytes(b"")
    assert loaded_step(run) == 10


def test_none_whole_is_an_error_that_names_each(run):
    save(run, 1)
    save(run, 2)
    for path in run.checkpoints.glob("*.safetensors"):
        path.write_bytes(b"")
    with pytest.raises(ModelError, match=r"step-000000002.*step-000000001"):
        load_checkpoint(run)


def test_foreign_files_are_left_alone(run):
    save(run, 1)
    (run.checkpoints / "notes.txt").touch()
    save(run, 2)
    save(run, 3)
    assert "notes.txt" in names(run)


@pytest.mark.parametrize("state", [{}, {"step": -1}, {"step": 1.5}, {"step": 1, "x": float("nan")}])
def test_refuses_a_state_that_cannot_be_saved(run, state):
    with pytest.raises(UsageError):
        save_checkpoint(run, {"w": torch.zeros(1)}, state)
    save(run, 1)
    assert loaded_step(run) == 1
