"""Images in Parquet files, in the layout of Hugging Face image data sets: a column of bytes, a column of labels."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pyarrow as pa
import pyarrow.parquet as pq

from ilk.data.labeling import label_text
from ilk.data.source_parts import Part, Rows, Source, group_by_split
from ilk.errors import DataError

_IMAGE_COLUMNS = ("image", "img", "picture", "photo", "jpg", "png")
_LABEL_COLUMNS = ("label", "labels", "class", "target", "category", "fine_label")
_BATCH = 256


@dataclass(frozen=True)
class Layout:
    """Where one file keeps what: the column of bytes, of paths and of labels; class names from its metadata."""

    image: str
    path: str | None
    label: str | None
    class_names: tuple[str, ...]
    rows: int


@dataclass(frozen=True)
class Pictures:
    """The encoded images of some files, row by row; each walk reads the files anew, a batch at a time."""

    files: tuple[tuple[Path, Layout], ...]

    def __iter__(self) -> Iterator[bytes | None]:
        """Walk all files from their first row; None where a row has no bytes."""
        for path, layout in self.files:
            with _parquet(path) as file:
                for batch in file.iter_batches(_BATCH, columns=[layout.image], use_threads=False):
                    yield from _leaf(batch.column(0)).to_pylist()


def find_parquet(root: Path, files: Sequence[str], source: str, whole: bool = False) -> Source:
    """The Parquet files of a folder by split.

    A row is called by its path where it has one that is unique in the source, else `file.parquet#row`, from 0.

    Args:
        root: the folder.
        files: its Parquet files, relative to it.
        source: what the user named.
        whole: the files are one source without splits.

    Raises:
        DataError: a file is damaged or has no column of images, or several files are not all named for a split.
    """
    groups, lone = ([(None, list(files))], None) if whole else group_by_split(files, source)
    layouts = {name: _layout(root / name) for name in files}
    parts = [
        Part(split, sum(layouts[name].rows for name in names), partial(_read, root, tuple(names), layouts))
        for split, names in groups
    ]
    return Source(tuple(parts), lone=lone)


def _read(root: Path, names: tuple[str, ...], layouts: dict[str, Layout]) -> Rows:
    paths = {name: _paths(root / name, layout) for name, layout in layouts.items()}
    times = Counter(path for column in paths.values() for path in column if path)
    rows = [
        path if path and times[path] == 1 else f"{name}#{row}" for name in names for row, path in enumerate(paths[name])
    ]
    if len(set(rows)) < len(rows):  # a path that looks like the name of another row
        rows = [f"{name}#{row}" for name in names for row in range(layouts[name].rows)]
    return Rows(
        rows,
        [label for name in names for label in _labels(root / name, layouts[name])],
        Pictures(tuple((root / name, layouts[name]) for name in names)),
        tuple(dict.fromkeys(text for name in names for text in layouts[name].class_names)),
    )


@contextmanager
def _parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """The opened file; what pyarrow raises on a damaged one becomes one sentence."""
    try:
        with path.open("rb") as stream, pq.ParquetFile(stream) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from error


def _leaf(column: Any) -> Any:
    """The values themselves of a column that is a struct with one field, or plain."""
    return column.flatten()[0] if pa.types.is_struct(column.type) else column


def _layout(path: Path) -> Layout:
    """Find the columns of images and of labels by their types and names."""
    with _parquet(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
    features = _features(schema)
    image = _image_column(schema, path)
    fields = schema.field(image).type
    struct = not _is_binary(fields)
    has_path = struct and fields.get_field_index("path") >= 0
    label = _label_column(schema, features)
    names = features.get(label, {}).get("names") if label else None
    return Layout(
        image=f"{image}.bytes" if struct else image,
        path=f"{image}.path" if has_path else None,
        label=label,
        class_names=tuple(normalize("NFC", str(name)) for name in names) if isinstance(names, list) else (),
        rows=rows,
    )


def _features(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """What Hugging Face's metadata says of each column, or nothing."""
    try:
        found = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {name: feature for name, feature in found.items() if isinstance(feature, dict)}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _image_column(schema: pa.Schema, path: Path) -> str:
    found = []
    for column in schema:
        position = column.type.get_field_index("bytes") if pa.types.is_struct(column.type) else -1
        if _is_binary(column.type) or (position >= 0 and _is_binary(column.type.field(position).type)):
            found.append(column.name)
    known = [name for wanted in _IMAGE_COLUMNS for name in found if name.casefold() == wanted]
    if known or len(found) == 1:
        return str((known or found)[0])
    state = f"has several columns that could hold images ({', '.join(found)})" if found else "has no column of images"
    raise DataError(
        f"{path} {state}. Its columns: {', '.join(schema.names)}. Images are a struct with the field bytes, or "
        "binary, in a column named image."
    )


def _label_column(schema: pa.Schema, features: dict[str, dict[str, Any]]) -> str | None:
    known = [name for wanted in _LABEL_COLUMNS for name in schema.names if name.casefold() == wanted]
    named = [name for name in schema.names if features.get(name, {}).get("_type") == "ClassLabel"]
    return next(iter(known or named), None)


def _paths(path: Path, layout: Layout) -> list[str | None]:
    if layout.path is None:
        return [None] * layout.rows
    with _parquet(path) as file:
        column = _leaf(file.read(columns=[layout.path]).column(0).combine_chunks())
    return [value if isinstance(value, str) else None for value in column.to_pylist()]


def _labels(path: Path, layout: Layout) -> list[str | None]:
    """The class name of each row; with class names in the metadata, −1 means that there is no label."""
    if layout.label is None:
        return [None] * layout.rows
    with _parquet(path) as file:
        values = file.read(columns=[layout.label]).column(0).to_pylist()
    texts = [label_text(value, f"{path}#{row}") for row, value in enumerate(values)]
    if not layout.class_names:
        return texts
    named: dict[str | None, str | None] = {str(number): name for number, name in enumerate(layout.class_names)}
    named |= {None: None, "-1": None} | {name: name for name in layout.class_names if name not in named}
    for row, text in enumerate(texts):
        if text not in named:
            raise DataError(f"{path}#{row} has the label {text}; its metadata name {len(layout.class_names)} classes.")
    return [named[text] for text in texts]
