"""The checkpoints of a run: the two newest are kept, each of them whole or not there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from torch import Tensor

from ilk.errors import ModelError, UsageError
from ilk.storage.files import read_json, sha256, sync_folder, to_json, write_bytes, write_error, write_json
from ilk.storage.run import Run

GENERATIONS = 2
NAME = re.compile(r"step-(\d{9})\.(json|safetensors)")


def save_checkpoint(run: Run, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Save the state after a step; the one before stays, older ones and those of later steps go.

    Args:
        run: where; its folder `checkpoints` is made.
        tensors: by name; every dtype of safetensors, on any device.
        state: what else to resume from, as JSON; its "step", 0 or more, names the files.
    Raises:
        UsageError: no "step" in the state, or a value that JSON does not have.
        ResourceError: the disk is full; the checkpoints before are kept.
    """
    from safetensors.torch import save

    step = state.get("step")
    if not isinstance(step, int) or not 0 <= step < 10**9:
        raise UsageError(f'The state of a checkpoint needs a "step" from 0 to 999,999,999, not {step!r}.')
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    try:
        if not run.checkpoints.is_dir():
            run.checkpoints.mkdir()
            sync_folder(run.path)
    except OSError as error:
        raise write_error(error, run.checkpoints, len(data)) from error
    record = {"step": step, "sha256": sha256(data + to_json(state)), "state": state}
    path = run.checkpoints / f"step-{step:09d}.safetensors"
    write_bytes(path, data)
    write_json(path.with_suffix(".json"), record)
    _remove_old(run, step)


def load_checkpoint(run: Run) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The tensors and the state of the newest checkpoint that is whole; None where none was ever finished.

    Raises:
        ModelError: there are checkpoint files, but none is whole; says what is wrong with each.
    """
    problems, steps = [], _steps(run)
    if len(steps) == 1 and not (run.checkpoints / f"step-{steps[0]:09d}.json").exists():
        return None  # the first one was cut short: its JSON comes last
    for step in steps:
        try:
            return _load(run.checkpoints / f"step-{step:09d}.json", step)
        except ModelError as error:
            problems.append(str(error))
    if problems:
        raise ModelError(f"No checkpoint in {run.checkpoints} is whole. {' '.join(problems)} Train again by `ilk fit`.")
    return None


def _load(path: Path, step: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    from safetensors import SafetensorError
    from safetensors.torch import load

    record = read_json(path)
    tensors_path = path.with_suffix(".safetensors")
    try:
        data = tensors_path.read_bytes()
    except OSError as error:
        raise ModelError(f"{tensors_path} cannot be read: {error.strerror or error}.") from error
    if not isinstance(state := record.get("state"), dict):
        raise ModelError(f"{path} is damaged: it holds no state.")
    if record.get("step") != step or record.get("sha256") != sha256(data + to_json(state)):
        raise ModelError(f"{path} or {tensors_path.name} is damaged: their SHA-256 is not the recorded one.")
    try:
        return load(data), state
    except SafetensorError as error:
        raise ModelError(f"{tensors_path} is damaged: {error}.") from error


def _steps(run: Run) -> list[int]:
    """The steps of which there is any file, newest first."""
    if not run.checkpoints.is_dir():
        return []
    matches = (NAME.fullmatch(path.name) for path in run.checkpoints.iterdir())
    return sorted({int(match[1]) for match in matches if match}, reverse=True)


def _remove_old(run: Run, current: int) -> None:
    # A later step is of a damaged checkpoint that was given up; a lone file was cut short.
    present = _steps(run)
    whole = [step for step in present if step <= current and len(list(run.checkpoints.glob(f"step-{step:09d}.*"))) > 1]
    kept = whole[:GENERATIONS]
    for step in present:
        if step not in kept:
            for suffix in ("json", "safetensors"):
                (run.checkpoints / f"step-{step:09d}.{suffix}").unlink(missing_ok=True)
