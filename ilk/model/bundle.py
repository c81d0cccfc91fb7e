"""The trained model as a folder of weights, labeled embeddings, names and a description; nothing in it can run."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.utils._device  # imported here, because loading a model imports nothing
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor

from ilk.errors import ModelError, UsageError
from ilk.model.checksums import CHECKSUMS, LARGEST, STRAY, begins_like_ours, write_checksums
from ilk.model.layout import (
    DESCRIPTION,
    DESCRIPTION_LIMIT,
    EARLIER,
    FORMAT,
    NAMES,
    ONNX,
    REFERENCES,
    SELF_TEST,
    WEIGHTS,
    Members,
    beside,
    description_problem,
    different,
    find_folder,
    read_members,
    references_layout,
    self_test_layout,
)
from ilk.model.network import network_of
from ilk.model.reference_names import read_names, size_problem, to_lines
from ilk.model.safetensors_header import TensorSpec
from ilk.networks import outline
from ilk.shapes import Pixels, Targets, Vectors
from ilk.storage.files import MOST_VALUES, sync_folder, to_json, too_many_values, write_bytes, write_error

DTYPES = {torch.float32: "F32", torch.int64: "I64"}
"""The types that a network's tensors may have."""


@dataclass(frozen=True)
class SelfTest:
    """Five synthetic images and what the model answered to them when it was saved.

    Args:
        images: shape (5, channels, height, width), uint8.
        embeddings: shape (5, dim), float32, their points.
        labels: shape (5,), int64, positions in description["classes"].
        confidence: shape (5,), float64, 0 to 1.
        nearest: shape (5,), int64, the position of the nearest labeled image.
    """

    images: Pixels
    embeddings: Vectors
    labels: Targets
    confidence: np.ndarray
    nearest: Targets

    def arrays(self) -> dict[str, np.ndarray]:
        """The same by name."""
        return {name: np.ascontiguousarray(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class Bundle:
    """A trained model as files can hold it: tensors, names and a description.

    Args:
        weights: the network's tensors by name.
        embeddings: shape (labeled, dim), float32, of the labeled images.
        targets: shape (labeled,), int64, positions in description["classes"].
        reference_names: the names of the labeled images.
        description: what else is needed, as JSON: at least the names in `layout.FIELDS`. "format" is added when it is
            saved.
        self_test: what it answers, to be compared wherever it is taken.
        positions: shape (labeled,), int64, of the labeled images among those of the training; None if not kept.
        head_weight, head_bias: shapes (C, dim) and (C,), float32, of a linear head that answers; None without one.
    """

    weights: dict[str, Tensor]
    embeddings: Vectors
    targets: Targets
    reference_names: tuple[str, ...]
    description: dict[str, Any]
    self_test: SelfTest
    positions: Targets | None = None
    head_weight: np.ndarray | None = None
    head_bias: np.ndarray | None = None

    def references(self) -> dict[str, np.ndarray]:
        """The labeled embeddings, their targets and, where there are any, their positions and the head, by name."""
        names = ("embeddings", "targets", "positions", "head_weight", "head_bias")
        arrays = {name: getattr(self, name) for name in names}
        return {name: np.ascontiguousarray(array) for name, array in arrays.items() if array is not None}


def save_bundle(folder: Path, bundle: Bundle, onnx: bytes | None = None) -> None:
    """Write or replace the folder as a whole; an error leaves the earlier one.

    Args:
        folder: its parent must be there, or be free to be made.
        bundle: what is written.
        onnx: the embedding as an ONNX file, if there is one.
    Raises:
        UsageError: the bundle contradicts itself, or the place cannot be written to.
        ResourceError: the disk is full.
    """
    if problem := _problem(bundle):
        raise UsageError(f"This model cannot be saved: {problem}.")
    contents = _contents(bundle) | ({} if onnx is None else {ONNX: onnx})
    if problem := _size_problem(contents, len(bundle.reference_names)):
        raise UsageError(f"This model cannot be saved: {problem}.")
    temporary, previous = beside(folder, "partial"), beside(folder, "previous")
    for path in (folder, temporary, previous):
        if os.path.lexists(path) and not is_bundle(path, whole=False):
            raise UsageError(f"{path} is in the way: it is no model of Ilk's, so it is left alone. Move it elsewhere.")
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
    """Read a saved model after its sizes, headers and checksums are verified; no code comes out of it.

    Memory beyond the tensors is only taken for what the named network needs.

    Raises:
        ModelError: a file is missing, foreign, damaged or of an unknown format, or they contradict each other.
    """
    folder = find_folder(folder)
    members = read_members(folder)
    if problem := _network_problem(members):
        raise ModelError(f"{folder / WEIGHTS} cannot be used: {problem}.")
    members.files[REFERENCES].verify()  # before they take memory: nothing but their own header bounds them
    names = read_names(members.files[NAMES], members.labeled)
    contents = {name: members.files[name].read() for name in (WEIGHTS, REFERENCES, SELF_TEST)}
    if ONNX in members.files:
        members.files[ONNX].verify()
    try:
        references, self_test = load_arrays(contents[REFERENCES]), load_arrays(contents[SELF_TEST])
        weights = load_tensors(contents[WEIGHTS])
    except (SafetensorError, ValueError) as error:
        raise ModelError(f"{folder} is damaged: {type(error).__name__} {error}.") from error
    bundle = Bundle(
        weights,
        **references,
        reference_names=names,
        description=members.description,
        self_test=SelfTest(**self_test),
    )
    if problem := _problem(bundle):
        raise ModelError(f"{folder} cannot be used: {problem}.")
    return bundle


def is_bundle(folder: Path, *, whole: bool = True) -> bool:
    """Whether a folder holds a saved model and nothing else; it may be damaged.

    Args:
        folder: looked at by the names in it, and by the first words of its list.
        whole: it must hold a list as Ilk begins it; else a part of a model will do.
    """
    if folder.is_symlink() or not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir() if not STRAY.fullmatch(path.name)}
    parts = (WEIGHTS, REFERENCES, NAMES, SELF_TEST, DESCRIPTION, ONNX, CHECKSUMS, *EARLIER)
    ours = all(name in parts or (name.startswith(tuple(f".{part}." for part in parts)) and not whole) for name in names)
    return ours and (begins_like_ours(folder) or not whole)


def _contents(bundle: Bundle) -> dict[str, bytes]:
    """The files of a model by name, but its checksums."""
    return {
        WEIGHTS: save_tensors({name: tensor.detach().cpu().contiguous() for name, tensor in bundle.weights.items()}),
        REFERENCES: save_arrays(bundle.references()),
        NAMES: to_lines(bundle.reference_names),
        SELF_TEST: save_arrays(bundle.self_test.arrays()),
        DESCRIPTION: to_json({**bundle.description, "format": FORMAT}),
    }


def _size_problem(contents: dict[str, bytes], labeled: int) -> str | None:
    """What a reader would refuse as too large, in words with the remedy; None if nothing."""
    for name, data in contents.items():
        limit = DESCRIPTION_LIMIT if name == DESCRIPTION else LARGEST
        if len(data) > limit:
            return f"{name} would have {len(data):,} bytes, and {limit:,} are allowed; use fewer labels or classes"
    if too_many_values(contents[DESCRIPTION]):
        return f"{DESCRIPTION} would hold more than {MOST_VALUES:,} values; use fewer classes"
    if problem := size_problem(len(contents[NAMES]), labeled):
        return f"{problem}; give them shorter names"
    return None


def _network_problem(members: Members) -> str | None:
    """In what the weights' header differs from the network that the description names, in words."""
    try:
        network = network_of(members.description, members.dim, outline)
        expected = {
            name: TensorSpec(DTYPES.get(tensor.dtype, "?"), tuple(tensor.shape))
            for name, tensor in network.state_dict().items()
        }
    except (UsageError, RuntimeError, TypeError, ValueError, OverflowError) as error:
        return str(error)
    return different(members.weights, expected)


def _problem(bundle: Bundle) -> str | None:
    """What contradicts itself in a bundle, in words; None if nothing does."""
    if problem := description_problem(bundle.description):
        return problem
    labeled, dim = bundle.embeddings.shape if bundle.embeddings.ndim == 2 else (0, 0)
    if not labeled or not dim or labeled != len(bundle.reference_names):
        return f"labeled embeddings of shape {bundle.embeddings.shape} do not go with the reference names"
    references = _layout(bundle.references())
    return (
        different(references, references_layout(bundle.description, labeled, dim, references))
        or different(_layout(bundle.self_test.arrays()), self_test_layout(bundle.description, dim))
        or _values_problem(bundle)
        or _weights_problem(bundle)
    )


def _layout(arrays: dict[str, np.ndarray]) -> dict[str, TensorSpec]:
    kinds = {"uint8": "U8", "float32": "F32", "float64": "F64", "int64": "I64"}
    return {name: TensorSpec(kinds.get(str(a.dtype), str(a.dtype)), a.shape) for name, a in arrays.items()}


def _values_problem(bundle: Bundle) -> str | None:
    classes, test = len(bundle.description["classes"]), bundle.self_test
    if not np.isfinite(bundle.embeddings).all():
        return "a labeled embedding is not finite"
    counted = bundle.targets[(bundle.targets >= 0) & (bundle.targets < classes)]
    if len(counted) < len(bundle.targets) or not np.bincount(counted, minlength=classes).all():
        return f"the targets are not the numbers of the {classes} classes"
    if bundle.positions is not None and (bundle.positions < 0).any():
        return "a labeled image has a position below 0"
    if not np.isfinite(test.embeddings).all() or not ((test.confidence >= 0) & (test.confidence <= 1)).all():
        return "an answer of its self-test is no usable number"
    if not (np.isin(test.labels, range(classes)) & np.isin(test.nearest, range(len(bundle.targets)))).all():
        return "an answer of its self-test names a class or a labeled image that is not there"
    return None


def _weights_problem(bundle: Bundle) -> str | None:
    weights = bundle.weights
    if not all(np.isfinite(part).all() for part in (bundle.head_weight, bundle.head_bias) if part is not None):
        return "the weights of the head are not finite"
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            return f"the weights {name!r} are not finite"
    return None if weights else "there are no weights"


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
