"""The tables of a run: what was used, what was left out, and the embeddings."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ilk.errors import DataError, ShapeError, UsageError
from ilk.shapes import Vectors
from ilk.storage.files import refuse_foreign, replacing, write_csv
from ilk.storage.predictions import BEGIN


@dataclass(frozen=True)
class EmbeddingTable:
    """What an embeddings table holds: names, vectors of shape (n, dim), and a label or None for each."""

    names: tuple[str, ...]
    vectors: Vectors
    labels: tuple[str | None, ...]


def write_manifest(path: Path, rows: Iterable[tuple[str, str | None, str]]) -> None:
    """One CSV row per image that is used: filename, label (empty where there is none), fingerprint."""
    write_csv(path, ("filename", "label", "fingerprint"), rows)


def read_manifest(path: Path) -> list[tuple[str, str | None, str]]:
    """The rows of a table that `write_manifest()` wrote: filename, label or None, fingerprint.

    Raises:
        DataError: there is no such file, or it is no such table.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["filename"], row["label"] or None, row["fingerprint"]) for row in csv.DictReader(file)]
        if any(cell is None for name, _, mark in rows for cell in (name, mark)):
            raise ValueError("a row is cut short")
        return rows
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise DataError(f"{path} is missing or damaged.") from error


def write_skipped(path: Path, rows: Iterable[tuple[str, str]]) -> None:
    """One CSV row per file that was left out: file, reason; the header alone if there is none."""
    write_csv(path, ("file", "reason"), rows)


def write_unmatched(path: Path, rows: Iterable[tuple[int, str, str | None, str | None]]) -> None:
    """One CSV row per row of a labels file that names no image: line, filename, label, nearest; None stays empty."""
    write_csv(path, ("line", "filename", "label", "nearest"), rows)


def write_embeddings(
    path: Path,
    names: Sequence[str],
    vectors: np.ndarray,
    *,
    labels: Sequence[str | None] | None = None,
    split: str | None = None,
) -> None:
    """The embedding of each image as Parquet, with the columns filename, embedding, label, and split if it is given.

    Args:
        path: replaced at once.
        names: n names; what is not UTF-8 in one is written as \\udcNN.
        vectors: shape (n, dim), dim at least 1; stored as float32.
        labels: n class names, None where an image has none.
        split: the part of the data that all these images are of.
    Raises:
        ShapeError: not one vector or label per name.
        ResourceError: the disk is full.
    """
    if vectors.ndim != 2 or len(vectors) != len(names) or vectors.shape[1] == 0:
        raise ShapeError(f"{len(names)} names need vectors of the shape ({len(names)}, dim), not {vectors.shape}.")
    write_embedding_parts(path, names, [vectors], labels=labels, split=split)


def write_embedding_parts(
    path: Path,
    names: Sequence[str],
    parts: Iterable[np.ndarray],
    *,
    labels: Sequence[str | None] | None = None,
    split: str | None = None,
) -> int:
    """The same table from vectors that come part by part, in the order of the names; one part is in memory at a time.

    Args:
        path: replaced at once, after the last part.
        names: n names.
        parts: each of shape (some, dim), n rows together.
        labels: n class names, None where an image has none.
        split: as for `write_embeddings()`.
    Returns:
        dim, the length of each vector.
    Raises:
        ShapeError: not one vector or label per name, or parts of different lengths.
        ResourceError: the disk is full.
    """
    import pyarrow.parquet as pq

    labels = [None] * len(names) if labels is None else labels
    if len(labels) != len(names):
        raise ShapeError(f"There are {len(names)} names, but {len(labels)} labels.")
    done = dim = 0
    # As an open file, because pyarrow takes no path that is not UTF-8.
    with ExitStack() as open_files:
        file = open_files.enter_context(open_files.enter_context(replacing(path)).open("wb"))
        writer = None
        for vectors in parts:
            rows = slice(done, done + len(vectors))
            dim = dim or vectors.shape[-1]
            if vectors.shape != (len(names[rows]), dim) or dim == 0:
                raise ShapeError(f"Vectors of the shape {vectors.shape} do not follow {done} of length {dim}.")
            table = _embedding_table(names[rows], vectors, labels[rows], split)
            if writer is None:
                writer = open_files.enter_context(pq.ParquetWriter(file, table.schema, write_page_checksum=True))
            writer.write_table(table)
            done += len(vectors)
        if done != len(names):
            raise ShapeError(f"There are {len(names)} names, but {done} vectors.")
    return dim


def _embedding_table(names: Sequence[str], vectors: np.ndarray, labels: Sequence[str | None], split: str | None) -> Any:
    import pyarrow as pa

    values = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
    columns: dict[str, Any] = {
        "filename": pa.array([_text(name) for name in names], pa.string()),
        "embedding": pa.FixedSizeListArray.from_arrays(values, vectors.shape[1]),
        "label": pa.array([None if label is None else _text(label) for label in labels], pa.string()),
    }
    if split is not None:
        columns["split"] = pa.array([split] * len(names), pa.string())
    return pa.table(columns)


def read_embeddings(path: Path) -> EmbeddingTable:
    """The names, vectors and labels in a table that `write_embeddings()` wrote.

    Raises:
        DataError: there is no such file, or it is no such table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as stream, pq.ParquetFile(stream, page_checksum_verification=True) as file:
            table = file.read(columns=["filename", "embedding", "label"])
        column = table.column("embedding").combine_chunks()
        vectors = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), column.type.list_size)
        names, labels = table.column("filename").to_pylist(), table.column("label").to_pylist()
    except (OSError, KeyError, ValueError, AttributeError, pa.ArrowException) as error:
        reason = str(error).rstrip(".")
        raise DataError(f"{path} is damaged, or no table of embeddings: {reason}. Write it again.") from error
    return EmbeddingTable(tuple(names), vectors, tuple(labels))


def _is_embeddings(path: Path) -> bool:
    """Whether the columns are those of `write_embeddings()`; the table may be too large to be read as a whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as file:
            return pq.read_schema(file).names[:3] == ["filename", "embedding", "label"]
    except pa.ArrowException:
        return False


def _text(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def refuse_foreign_table(path: Path, suffix: str) -> None:
    """Refuse, before any work, a place where a table of answers cannot go, or where the user's own table may be.

    Args:
        path: where the table is to go.
        suffix: ".csv" or ".parquet", what the table is.
    Raises:
        UsageError: another suffix, a folder, no such folder, or a file whose first columns are not those of Ilk.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Name a file in it by `out`.")
    if path.suffix.lower() != suffix:
        raise UsageError(f"`out` {path}: the result is a {suffix} file. Give it such a name: {path.stem}{suffix}.")
    refuse_foreign(path, _is_table)


def _is_table(path: Path) -> bool:
    with path.open("rb") as file:
        begin = file.read(len(BEGIN))
    return begin == BEGIN or (begin[:4] == b"PAR1" and _is_embeddings(path))
