"""The trained space as a folder: weights, labeled embeddings, description, checksums; nothing in it can run."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ilk.errors import ModelError, UsageError
from ilk.shapes import Targets, Vectors
from ilk.storage.checksums import read_verified, write_checksums
from ilk.storage.files import parse_json, sync_folder, to_json, write_bytes, write_error

FORMAT = 1
WEIGHTS = "weights.safetensors"
REFERENCES = "references.safetensors"
DESCRIPTION = "model.json"

FIELDS: dict[str, Any] = {
    "network": str,
    "channels": int,
    "classes": list,
    "reference_names": list,
    "distance": str,
    "temperature": (int, float),
    "k": int,
    "unlike_beyond": (int, float),
    "sure_from": (int, float),
}
POSITIVE = ("channels", "temperature", "k")


@dataclass(frozen=True)
class Bundle:
    """All that predicts.

    Args:
        weights: the network's tensors by name.
        embeddings: shape (labeled, dim), float32, of the labeled images.
        targets: shape (labeled,), int64, positions in description["classes"].
        description: what else is needed, as JSON: at least "network", "channels", "classes", "reference_names",
            "distance", "temperature", "k", "unlike_beyond" and "sure_from". "format" is added when it is saved.
    """

    weights: dict[str, Tensor]
    embeddings: Vectors
    targets: Targets
    description: dict[str, Any]


def save_bundle(folder: Path, bundle: Bundle) -> None:
    """Write or replace the folder as a whole; an error leaves the earlier one.

    Raises:
        UsageError: the bundle contradicts itself, or the place cannot be written to.
        ResourceError: the disk is full.
    """
    from safetensors.numpy import save as save_arrays
    from safetensors.torch import save as save_tensors

    if problem := _problem(bundle):
        raise UsageError(f"This model cannot be saved: {problem}.")
    contents = {
        WEIGHTS: save_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in bundle.weights.items()}),
        REFERENCES: save_arrays(
            {
                "embeddings": np.ascontiguousarray(bundle.embeddings, dtype=np.float32),
                "targets": np.ascontiguousarray(bundle.targets),
            }
        ),
        DESCRIPTION: to_json({**bundle.description, "format": FORMAT}),
    }
    temporary, previous = _beside(folder, "partial"), _beside(folder, "previous")
    try:
        _recover(folder, previous)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for name, data in contents.items():
            write_bytes(temporary / name, data)
        write_checksums(temporary, contents)
        _exchange(temporary, folder, previous)
    except OSError as error:
        raise write_error(error, folder, sum(map(len, contents.values()))) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def load_bundle(folder: Path) -> Bundle:
    """Read a saved model after its sizes and checksums are verified; no code comes out of it.

    Raises:
        ModelError: a file is missing, damaged or of an unknown format, or they contradict each other.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as load_arrays
    from safetensors.torch import load as load_tensors

    previous = _beside(folder, "previous")
    if not folder.exists() and previous.is_dir():  # stopped between the two renames of saving
        folder = previous
    contents = read_verified(folder, (WEIGHTS, REFERENCES, DESCRIPTION))
    description = parse_json(contents[DESCRIPTION], folder / DESCRIPTION)
    if description.get("format") != FORMAT:
        given = description.get("format")
        raise ModelError(f"{folder / DESCRIPTION} is of format {given!r}; this Ilk reads {FORMAT}. Update Ilk.")
    try:
        references = load_arrays(contents[REFERENCES])
        weights = load_tensors(contents[WEIGHTS])
        bundle = Bundle(weights, references["embeddings"], references["targets"], description)
        problem = _problem(bundle)
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{folder} is damaged: {type(error).__name__} {error}.") from error
    if problem:
        raise ModelError(f"{folder} cannot be used: {problem}.")
    return bundle


def _problem(bundle: Bundle) -> str | None:
    """What contradicts itself in a bundle, in words; None if nothing does."""
    return _description_problem(bundle.description) or _references_problem(bundle) or _weights_problem(bundle.weights)


def _description_problem(description: dict[str, Any]) -> str | None:
    for name, kind in FIELDS.items():
        value = description.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            return f"{DESCRIPTION} has no usable {name!r}"
        if isinstance(value, int | float) and not math.isfinite(value):
            return f"{name!r} in {DESCRIPTION} is not finite"
        if name in POSITIVE and value <= 0:
            return f"{name!r} in {DESCRIPTION} must be above 0, not {value}"
    for name in ("classes", "reference_names"):
        if not all(isinstance(item, str) for item in description[name]):
            return f"{name!r} in {DESCRIPTION} must hold text alone"
    if len(set(description["classes"])) < len(description["classes"]):
        return f"a class comes twice in {DESCRIPTION}"
    return None


def _references_problem(bundle: Bundle) -> str | None:
    embeddings, targets = bundle.embeddings, bundle.targets
    if embeddings.ndim != 2 or embeddings.dtype != np.float32 or 0 in embeddings.shape:
        return f"the labeled embeddings have the shape {embeddings.shape} and type {embeddings.dtype}"
    if targets.shape != (len(embeddings),) or targets.dtype != np.int64:
        return f"there are {len(embeddings)} labeled embeddings, but targets of shape {targets.shape}, {targets.dtype}"
    if len(bundle.description["reference_names"]) != len(embeddings):
        return f"there are {len(embeddings)} labeled embeddings, but another number of names"
    if not np.isfinite(embeddings).all():
        return "a labeled embedding is not finite"
    if set(targets.tolist()) != set(range(len(bundle.description["classes"]))):
        return f"the targets are not the numbers of the {len(bundle.description['classes'])} classes"
    return None


def _weights_problem(weights: dict[str, Tensor]) -> str | None:
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            return f"the weights {name!r} are not finite"
    return None if weights else "there are no weights"


def _beside(folder: Path, kind: str) -> Path:
    return folder.with_name(f".{folder.name}.{kind}")


def _recover(folder: Path, previous: Path) -> None:
    """Undo a replacement that was stopped between its two renames."""
    if previous.exists():
        if folder.exists():
            shutil.rmtree(previous)
        else:
            previous.rename(folder)


def _exchange(temporary: Path, folder: Path, previous: Path) -> None:
    sync_folder(temporary)
    if folder.exists():
        folder.rename(previous)
    try:
        temporary.rename(folder)
    except OSError:
        if previous.exists():
            previous.rename(folder)
        raise
    sync_folder(folder.parent)
    shutil.rmtree(previous, ignore_errors=True)
