"""The files of a saved model and what each must hold, checked without torch and before any tensor is read."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ilk.errors import ModelError
from ilk.model.checksums import Member, read_checksums
from ilk.model.reference_names import size_problem
from ilk.model.safetensors_header import TensorSpec, read_header
from ilk.storage.files import AGAIN, parse_json
from ilk.storage.run import CONFIG, Run

FORMAT = 3
WEIGHTS = "weights.safetensors"
REFERENCES = "references.safetensors"
NAMES = "reference_names.jsonl"
SELF_TEST = "self_test.safetensors"
DESCRIPTION = "model.json"
ONNX = "embedding.onnx"
REQUIRED = (DESCRIPTION, NAMES, REFERENCES, SELF_TEST, WEIGHTS)
EARLIER = ("golden.safetensors",)
"""Files of models of earlier formats."""
DESCRIPTION_LIMIT = 2**24
SELF_TEST_IMAGES = 5

FIELDS: dict[str, Any] = {
    "network": str,
    "options": dict,
    "height": int,
    "width": int,
    "channels": int,
    "classes": list,
    "distance": str,
    "temperature": (int, float),
    "k": int,
    "unlike_beyond": (int, float),
    "sure_from": (int, float),
}
LARGEST_NUMBER = 1e39
"""Beyond every number of float32, in which distances are measured."""
POSITIVE = ("height", "width", "channels", "temperature", "k")


@dataclass(frozen=True)
class Members:
    """The files of a saved model whose sizes, description and headers fit one another; their numbers are unread.

    Args:
        files: by name.
        description: what model.json says; verified by its SHA-256.
        weights: the network's tensors, as their header announces them.
        labeled: how many labeled images there are.
        dim: dimensions of the embedding.
    """

    files: dict[str, Member]
    description: dict[str, Any]
    weights: dict[str, TensorSpec]
    labeled: int
    dim: int


def model_in(path: Path) -> Path:
    """The folder of the model in a run folder, or else the folder itself."""
    return Run(path).model if (path / CONFIG).is_file() else path


def find_folder(folder: Path) -> Path:
    """The folder itself, or the earlier one beside it where saving was stopped between its two renames."""
    if folder.exists():
        return folder
    previous = beside(folder, "previous")
    return previous if previous.is_dir() else folder


def beside(folder: Path, kind: str) -> Path:
    """A hidden folder next to another one, such as where it waits while it is replaced."""
    return Path(os.path.abspath(folder)).with_name(f".{folder.name}.{kind}")


def read_members(folder: Path) -> Members:
    """Check everything about a saved model but its tensors' numbers.

    Raises:
        ModelError: a file is missing, foreign, of a wrong size or of an unknown format, or they contradict each other.
    """
    files = read_checksums(folder)
    description = _description(folder, files)
    if set(files) - {ONNX} != set(REQUIRED):
        raise ModelError(f"{folder} is damaged: its files must be {', '.join(REQUIRED)}. {AGAIN}")
    references, self_test = read_header(files[REFERENCES]), read_header(files[SELF_TEST])
    embeddings = references.get("embeddings")
    labeled, dim = embeddings.shape if embeddings and len(embeddings.shape) == 2 else (0, 0)
    if not labeled or not dim:
        raise ModelError(f"{folder / REFERENCES} cannot be used: it holds no labeled embeddings. {AGAIN}")
    for name, wrong in (
        (NAMES, size_problem(files[NAMES].size, labeled)),
        (REFERENCES, different(references, references_layout(description, labeled, dim, references))),
        (SELF_TEST, different(self_test, self_test_layout(description, dim))),
    ):
        if wrong:
            raise ModelError(f"{folder / name} cannot be used: {wrong}. {AGAIN}")
    return Members(files, description, read_header(files[WEIGHTS]), labeled, dim)


def _description(folder: Path, files: dict[str, Member]) -> dict[str, Any]:
    path = folder / DESCRIPTION
    if DESCRIPTION not in files:
        raise ModelError(f"{path} is missing. {AGAIN}")
    if files[DESCRIPTION].size > DESCRIPTION_LIMIT:
        raise ModelError(f"{path} is larger than the {DESCRIPTION_LIMIT:,} bytes that it may have.")
    description = parse_json(files[DESCRIPTION].read(), path)
    if (given := description.get("format")) != FORMAT or type(given) is not int:
        older = type(given) is int and given < FORMAT
        remedy = "An earlier Ilk wrote it: fit it again." if older else "Update Ilk."
        raise ModelError(f"{path} is of format {given!r}; this Ilk reads {FORMAT}. {remedy}")
    if problem := description_problem(description):
        raise ModelError(f"{folder} cannot be used: {problem}.")
    return description


def description_problem(description: dict[str, Any]) -> str | None:
    """What model.json lacks or says wrongly, in words; None if nothing."""
    for name, kind in FIELDS.items():
        value = description.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            return f"{DESCRIPTION} has no usable {name!r}"
        if isinstance(value, int | float) and not abs(value) < LARGEST_NUMBER:
            return f"{name!r} in {DESCRIPTION} is not finite, or absurdly large"
        if name in POSITIVE and value <= 0:
            return f"{name!r} in {DESCRIPTION} must be above 0, not {value}"
    if not all(isinstance(name, str) for name in description["classes"]):
        return f"'classes' in {DESCRIPTION} must hold text alone"
    if len(set(description["classes"])) < len(description["classes"]):
        return f"a class comes twice in {DESCRIPTION}"
    return None


def references_layout(
    description: dict[str, Any], labeled: int, dim: int, present: Collection[str]
) -> dict[str, TensorSpec]:
    """The tensors of references.safetensors, with positions and a head where these are present."""
    numbers, classes = TensorSpec("I64", (labeled,)), len(description["classes"])
    layout = {"embeddings": TensorSpec("F32", (labeled, dim)), "targets": numbers}
    if "positions" in present:
        layout["positions"] = numbers
    if "head_weight" in present or "head_bias" in present:
        layout |= {"head_weight": TensorSpec("F32", (classes, dim)), "head_bias": TensorSpec("F32", (classes,))}
    return layout


def self_test_layout(description: dict[str, Any], dim: int) -> dict[str, TensorSpec]:
    """The tensors of self_test.safetensors."""
    n = SELF_TEST_IMAGES
    return {
        "images": TensorSpec("U8", (n, description["channels"], description["height"], description["width"])),
        "embeddings": TensorSpec("F32", (n, dim)),
        "labels": TensorSpec("I64", (n,)),
        "confidence": TensorSpec("F64", (n,)),
        "nearest": TensorSpec("I64", (n,)),
    }


def different(found: dict[str, TensorSpec], expected: dict[str, TensorSpec]) -> str | None:
    """The first difference between the tensors found and those expected, in words; None if there is none."""
    for name, want in expected.items():
        if (have := found.get(name)) != want:
            given = f"{have.dtype} of shape {have.shape}" if have else "not there"
            return f"{name!r} must be {want.dtype} of shape {want.shape}, but is {given}"
    foreign = sorted(found.keys() - expected.keys())
    return f"it holds {foreign[0][:100]!r}, which is no part of it" if foreign else None
