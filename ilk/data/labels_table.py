"""Labels from a table: which image has which label, and in which line it says so."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ilk.data.dataset import UnmatchedRow
from ilk.data.delimited import SEPARATORS, Lines, read_lines
from ilk.data.filename_matching import GUESSES, OUTSIDE, Match, Names, find_name, nearest
from ilk.data.labeling import label_text, plain_text, spelling_notes
from ilk.data.scanning import is_picture_name, quoted, readable
from ilk.errors import LabelsFileError

FILE_COLUMNS = ("filename", "file_name", "file", "image", "image_path", "path")
LABEL_COLUMNS = ("label", "labels", "class", "target", "category")
LONGEST_LABEL = 1000
MOST_COLUMNS = 16_384
NEAREST_SOUGHT = 2000
"""For how many unmatched rows the nearest name is sought: it takes about half a millisecond each."""

Row = tuple[int, list[str]]


@dataclass(frozen=True)
class LabelsTable:
    """What a labels file says of the images of a folder; rows = images + duplicates + unmatched.

    Args:
        labels: image to label; None where the cell is empty.
        lines: image to the line that names it.
        rows: how many rows were read, without the header and blank ones.
        duplicates: how many rows say again what another row says.
        unmatched: rows that name no image.
        notes: what was read leniently, and what has no image, in sentences.
    """

    labels: dict[str, str | None]
    lines: dict[str, int]
    rows: int = 0
    duplicates: int = 0
    unmatched: tuple[UnmatchedRow, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _TableRow:
    line: int
    cell: str
    label: str | None
    match: Match


def read_labels(path: Path, names: Names) -> LabelsTable:
    """Read a table with the columns `filename,label`: separated by comma, semicolon, tab or |, in UTF-8 or UTF-16.

    Cells are text: "NA", "None" and "-1" are classes; only an empty cell is no label. A name that is spelled a little
    differently from its image (backslashes, accents, letter case, ...) is found, and the notes say so.

    Raises:
        LabelsFileError: the file cannot be read, has no such columns, gives one image two labels, or names a path
            outside the folder.
    """
    lines = read_lines(path)
    header, rows = _table(lines)
    file_column, label_column, notes = _columns(path, header)
    if not rows:
        raise LabelsFileError(
            f"{path} has a header, but no rows. Add a line for each labeled image, like: img1.jpg,cat"
        )
    read: list[_TableRow] = []
    for line, cells in rows:
        _check_width(f"{path}:{line}", cells, header[1], max(file_column, label_column))
        match = find_name(cells[file_column], names) if cells[file_column].strip() else Match(reason="")
        read.append(_TableRow(line, cells[file_column], _label(cells[label_column], f"{path}:{line}"), match))
    _refuse_outside(path, names, read)
    table = _assign(path, names, read)
    return LabelsTable(
        labels=table.labels,
        lines=table.lines,
        rows=len(read),
        duplicates=table.duplicates,
        unmatched=table.unmatched,
        notes=(
            *notes,
            *_lenient_notes(path, names.root, read, table.unmatched),
            *_unmatched_notes(path, table.unmatched),
            *spelling_notes((cells[label_column] for _, cells in rows), str(path)),
        ),
    )


def could_be_labels(path: Path) -> bool:
    """Whether a file has the columns of a labels table."""
    try:
        _columns(path, _table(read_lines(path))[0])
    except LabelsFileError:
        return False
    return True


def _table(lines: Lines) -> tuple[Row, list[Row]]:
    """The header and the rows, by the separator under which the header has the columns that are needed."""
    best: tuple[int, str] = (-1, ",")
    for separator in SEPARATORS:
        try:
            cells = [_plain(cell) for cell in next(lines.rows(separator))[1][:MOST_COLUMNS]]
        except (LabelsFileError, StopIteration):
            continue
        usable = sum(any(word in cells for word in words) for words in (FILE_COLUMNS, LABEL_COLUMNS))
        best = max(best, (1000 * usable + len(cells), separator), key=lambda item: item[0])
    rows = list(lines.rows(best[1]))
    if not rows:  # a line for Excel, and nothing else
        raise LabelsFileError(f"{lines.path} is empty. It needs a first line like: filename,label")
    return rows[0], rows[1:]


def _plain(cell: str) -> str:
    """A column's name as it is compared: "File Name" is file_name."""
    return "_".join(plain_text(cell).casefold().replace("-", " ").split())


def _label(cell: str, place: str) -> str | None:
    """The class that a cell names; one of many lines is no name, but what follows a quotation mark left open."""
    if len(cell) > LONGEST_LABEL:
        raise LabelsFileError(
            f"{place} has a label of {len(cell):,} characters; {LONGEST_LABEL:,} are allowed. Is a quotation mark left "
            "open there?"
        )
    return label_text(cell, place)


def _columns(path: Path, header: Row) -> tuple[int, int, list[str]]:
    """The positions of the file column and of the label column, and a note where several could be meant."""
    line, cells = header[0], header[1][:MOST_COLUMNS]
    plain = [_plain(cell) for cell in cells]
    places, notes = [], []
    for what, words in (("file names", FILE_COLUMNS), ("labels", LABEL_COLUMNS)):
        fitting = [word for word in words if word in plain]
        if not fitting:
            raise LabelsFileError(_no_column(f"{path}:{line}", what, words, cells))
        if plain.count(fitting[0]) > 1:
            raise LabelsFileError(
                f"{path}:{line} names {plain.count(fitting[0])} columns {fitting[0]!r}. Rename or delete all but one."
            )
        if len(fitting) > 1:
            notes.append(f"{path}: the {what} are in the column {fitting[0]!r}, not in {' or '.join(fitting[1:])}.")
        places.append(plain.index(fitting[0]))
    return places[0], places[1], notes


def _no_column(place: str, what: str, words: Sequence[str], cells: list[str]) -> str:
    shown = ", ".join(repr(cell.strip()[:40]) for cell in cells[:12])
    if any(is_picture_name(cell.strip()) for cell in cells):
        return f"{place} looks like data, not like the names of columns: {shown}. Put a line above it: filename,label"
    if len(cells) == 1 and len(cells[0].split()) > 1:
        return f"{place} has one column only: {shown}. Separate the cells by comma, semicolon, tab or |."
    short = [cell.strip() for cell in cells[:100] if len(cell) < 100]
    near = [(cell, difflib.get_close_matches(_plain(cell), words, n=1, cutoff=0.7)) for cell in short]
    hint = next((f" Did you mean {word[0]!r} by {cell!r}? Rename it." for cell, word in near if word), "")
    return (
        f"{place} has no column of {what}. Its columns: {shown}. The first line names the columns, for example "
        f"filename,label. Allowed here: {', '.join(words)}.{hint}"
    )


def _check_width(place: str, cells: list[str], header: list[str], last: int) -> None:
    """Refuse a row whose cells cannot be told: one too many, or no cell in a column that is needed."""
    if len(cells) <= last or any(cell.strip() for cell in cells[len(header) :]):
        count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
        raise LabelsFileError(
            f"{place} has {count}, the header has {len(header)}. Put quotes around a cell that holds the separator; "
            "leave an empty cell where there is no label."
        )


def _refuse_outside(path: Path, names: Names, read: list[_TableRow]) -> None:
    """Refuse rows without a name, rows that leave the folder, and paths of another computer that lead nowhere here."""
    above = tuple({row.match.above for row in read if row.match.name and row.match.above})
    for row in read:
        match = row.match
        elsewhere = match.above is not None and not match.name and not match.above.startswith(above or ("\0",))
        if not row.cell.strip() or match.reason == OUTSIDE or elsewhere:
            what = f"names {quoted(row.cell)}, which lies outside {names.root}" if row.cell.strip() else "names no file"
            raise LabelsFileError(f"{path}:{row.line} {what}. Give each image's path within {names.root}.")


def _assign(path: Path, names: Names, read: list[_TableRow]) -> LabelsTable:
    """Each row to its image; a guess gives way to a row that names the image itself."""
    sure: dict[str, _TableRow] = {}
    for row in read:
        if row.match.name and row.match.kind not in GUESSES:
            sure.setdefault(row.match.name, row)
    owners: dict[str, _TableRow] = {}
    unmatched: list[UnmatchedRow] = []
    duplicates = 0
    for row in read:
        name = row.match.name
        if name is None:
            near = nearest(row.cell, names) if len(unmatched) < NEAREST_SOUGHT else None
            unmatched.append(UnmatchedRow(row.line, row.cell, row.label, near and readable(near), row.match.reason))
            continue
        owner = sure.get(name) if row.match.kind in GUESSES else None
        if owner and row.label not in (None, owner.label):
            reason = f"the only image like it is named by line {owner.line}"
            unmatched.append(UnmatchedRow(row.line, row.cell, row.label, readable(name), reason))
            continue
        earlier = owners.setdefault(name, row)
        duplicates += earlier is not row
        if earlier.label is None and row.label is not None:
            owners[name] = row
        elif row.label not in (None, earlier.label):
            raise LabelsFileError(_conflict(path, name, earlier, row))
    return LabelsTable(
        {name: row.label for name, row in owners.items()},
        {name: row.line for name, row in owners.items()},
        duplicates=duplicates,
        unmatched=tuple(unmatched),
    )


def _conflict(path: Path, name: str, earlier: _TableRow, row: _TableRow) -> str:
    written = f" (written {quoted(row.cell)})" if row.cell != name else ""
    also = f" (written {quoted(earlier.cell)})" if earlier.cell != name else ""
    return (
        f"{path}:{row.line} gives {quoted(name)}{written} the label {row.label!r}, but line {earlier.line} gives "
        f"it {earlier.label!r}{also}. An image has one label: delete one of the two lines."
    )


def _lenient_notes(path: Path, root: Path, read: list[_TableRow], unmatched: tuple[UnmatchedRow, ...]) -> list[str]:
    """For each kind of leniency, the first row that needed it, and how many more there are."""
    lost = {row.line for row in unmatched}
    kinds: dict[str, list[_TableRow]] = defaultdict(list)
    for row in read:
        if row.match.kind and row.line not in lost:
            kinds[row.match.kind].append(row)
    return [
        f"{path}:{rows[0].line} names {quoted(rows[0].cell)}, and {root} has {quoted(str(rows[0].match.name))} "
        f"({kind}): used.{f' More rows like it: {len(rows) - 1:,}.' if len(rows) > 1 else ''}"
        for kind, rows in kinds.items()
    ]


def _unmatched_notes(path: Path, unmatched: tuple[UnmatchedRow, ...]) -> list[str]:
    """For each reason why rows have no image, how many they are, and the first of them."""
    kinds: dict[str, list[UnmatchedRow]] = defaultdict(list)
    for row in unmatched:
        kinds[row.reason.split(":")[0].rstrip("0123456789")].append(row)
    return [
        f"{path}: rows without an image: {len(rows):,}. Line {rows[0].line} names {quoted(rows[0].filename)}, but "
        f"{rows[0].reason}.{f' Nearest: {quoted(rows[0].nearest)}.' if rows[0].nearest else ''}"
        for rows in kinds.values()
    ]
