"""Labels from a table: which file has which label, and in which line it says so."""

from __future__ import annotations

import csv
import io
import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ilk.data.labeling import label_text
from ilk.errors import LabelsFileError

FILE_COLUMNS = ("filename", "file_name", "file", "image", "image_path", "path")
LABEL_COLUMNS = ("label", "labels", "class", "target", "category")


@dataclass(frozen=True)
class LabelsTable:
    """The rows of a labels file: name to label (None where the cell is empty), and name to line."""

    labels: dict[str, str | None]
    lines: dict[str, int]


def read_labels(path: Path, folder: Path) -> LabelsTable:
    """Read a table with the columns `filename,label`, separated by commas, semicolons or tabs, as UTF-8.

    Cells are text: "NA", "None" and "-1" are classes; only an empty cell is no label. Names are relative to `folder`.

    Raises:
        LabelsFileError: the file cannot be read, has no such columns, gives one image two labels, or names a path
            outside the folder.
    """
    rows = _cells(path)
    file_column, label_column, width = _columns(path, rows)
    labels: dict[str, str | None] = {}
    lines: dict[str, int] = {}
    for line, cells in rows[1:]:
        if len(cells) != width:
            raise LabelsFileError(
                f"{path}:{line} has {len(cells)} cells, the header has {width}. Put quotes around a cell that holds "
                "the separator."
            )
        name = _inside(cells[file_column], folder, f"{path}:{line}")
        label = label_text(cells[label_column], f"{path}:{line}")
        earlier = labels.get(name)
        if earlier is not None and label is not None and earlier != label:
            raise LabelsFileError(
                f"{path}:{line} gives {name!r} the label {label!r}, but line {lines[name]} gives it {earlier!r}. "
                "An image has one label: delete one of the two lines."
            )
        if earlier is None:
            labels[name], lines[name] = label, line
    return LabelsTable(labels, lines)


def unmatched_note(table: LabelsTable, path: Path, names: Collection[str]) -> tuple[str, ...]:
    """A sentence on the rows that name no file, or nothing."""
    missing = [name for name in table.labels if name not in names]
    if not missing:
        return ()
    first = f"the first is line {table.lines[missing[0]]}, {missing[0]!r}"
    return (f"{path}: rows that name no image file: {len(missing):,}; {first}.",)


def _cells(path: Path) -> list[tuple[int, list[str]]]:
    """Every row that is not blank with the line that it begins in; the header comes first."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise LabelsFileError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise LabelsFileError(f"{path}:{line} is not UTF-8 text. Save the table as CSV with UTF-8.") from error
    header = text.lstrip().split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, begin = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((begin, cells))
            begin = reader.line_num + 1
    except csv.Error as error:
        raise LabelsFileError(f"{path}:{begin} cannot be read as a table: {error}.") from error
    if not rows:
        raise LabelsFileError(f"{path} is empty. It needs a first line like: filename,label")
    return rows


def _columns(path: Path, rows: Sequence[tuple[int, list[str]]]) -> tuple[int, int, int]:
    """The position of the file column and of the label column, and the number of columns."""
    line, header = rows[0]
    names = [cell.strip().casefold() for cell in header]
    file_column = next((names.index(name) for name in FILE_COLUMNS if name in names), None)
    label_column = next((names.index(name) for name in LABEL_COLUMNS if name in names), None)
    if file_column is None or label_column is None:
        missing = "column of file names" if file_column is None else "column of labels"
        allowed = FILE_COLUMNS if file_column is None else LABEL_COLUMNS
        raise LabelsFileError(
            f"{path}:{line} has no {missing}: it reads {','.join(header)!r}. The first line names the columns, for "
            f"example filename,label. Allowed here: {', '.join(allowed)}."
        )
    return file_column, label_column, len(header)


def _inside(cell: str, folder: Path, place: str) -> str:
    """A path as the table has it, relative to the folder and in its plainest form."""
    name = cell
    if posixpath.isabs(cell):
        for root in (folder.absolute(), folder.resolve()):
            if cell.startswith(f"{root.as_posix()}/"):
                name = posixpath.relpath(cell, root.as_posix())
    name = posixpath.normpath(name) if name else name
    if not name or name in (".", "..") or name.startswith("../") or posixpath.isabs(name):
        what = "names no file" if not name or name == "." else f"names {cell!r}, which lies outside {folder}"
        raise LabelsFileError(f"{place} {what}. Give each image's path within {folder}.")
    return name
