"""The averaged weights of a run at chosen epochs."""

from __future__ import annotations

import json
import math
from pathlib import Path

from torch import Tensor

from ilk.errors import ModelError
from ilk.storage.files import write_bytes, write_error
from ilk.storage.run import Run


def evolution_path(run: Run, epoch: float) -> Path:
    """Where the weights of an epoch lie, such as evolution/epoch-0.5.safetensors; the file may not be there yet."""
    return run.evolution / f"epoch-{_written(epoch)}.safetensors"


def save_evolution(run: Run, epoch: float, step: int, weights: dict[str, Tensor]) -> None:
    """Keep weights by name, whole or not at all, with "epoch" and "step" as metadata; the same give the same bytes.

    Raises:
        ResourceError: the disk is full.
    """
    from safetensors.torch import save

    try:
        run.evolution.mkdir(exist_ok=True)
    except OSError as error:
        raise write_error(error, run.evolution) from error
    data = save({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})
    # Put in here, because save() writes metadata in an order that changes from one process to the next.
    length = 8 + int.from_bytes(data[:8], "little")
    header = {"__metadata__": {"epoch": _written(epoch), "step": str(step)}, **json.loads(data[8:length])}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    write_bytes(evolution_path(run, epoch), len(text).to_bytes(8, "little") + text + data[length:])


def kept_epochs(run: Run) -> list[tuple[float, Path]]:
    """The epochs whose weights a run kept, ascending, each with its file; empty where it kept none.

    Raises:
        ModelError: a file says no epoch.
    """
    return sorted((epoch_of(path), path) for path in run.evolution.glob("epoch-*.safetensors"))


def epoch_of(path: Path) -> float:
    """The epoch that a file of kept weights is of.

    Raises:
        ModelError: the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            epoch = float((file.metadata() or {})["epoch"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ModelError(f"{path} is damaged: {type(error).__name__} {error}. Fit the run again.") from error
    if not math.isfinite(epoch):
        raise ModelError(f"{path} is damaged: its epoch is {epoch}. Fit the run again.")
    return epoch


def load_weights(path: Path) -> dict[str, Tensor]:
    """The kept weights in a file by name.

    Raises:
        ModelError: the file is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} is damaged: {error}. Fit the run again.") from error


def _written(epoch: float) -> str:
    return format(epoch, ".6f").rstrip("0").rstrip(".")
