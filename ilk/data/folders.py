"""Images that lie in folders: one folder for each class, or a flat folder with a table of labels; or one file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ilk.data.dataset import UnmatchedRow
from ilk.data.delimited import SAVE_AS
from ilk.data.filename_matching import Names
from ilk.data.labeling import label_text, spelling_notes
from ilk.data.labels_table import could_be_labels, read_labels
from ilk.data.scanning import Scan, is_picture_name, quoted, readable
from ilk.data.source_parts import SPLITS, Part, Rows, Source, split_word

LABELS_FILES = ("labels.csv", "labels.tsv")
_UNLABELED_FOLDERS = ("unlabeled", "unlabelled")
_MAY_BE_TABLES = (".csv", ".tsv", ".txt")
_SPREADSHEETS = (".xlsx", ".xls", ".ods", ".numbers")
_LOOKED_INTO, _LARGEST_LOOKED_INTO = 5, 64 * 2**20

LabelOf = Callable[[str], str | None]


def find_in_folder(scan: Scan, labels: Path | None = None) -> Source:
    """The images under a folder, with labels from a table if there is one, else from the names of the folders.

    A level train, val, test above counts as splits when every folder with images is named for one (or "unlabeled",
    whose images belong to train).

    Args:
        scan: the folder as it was listed.
        labels: a table of labels; None: `labels.csv` or `labels.tsv` in the folder, in any letter case, if it is there.

    Raises:
        LabelsFileError: the table cannot be used.
    """
    images = [name for name in scan.files if is_picture_name(name)]
    tops = {name.split("/", 1)[0] for name in images if "/" in name}
    words = {split_word(top) for top in tops}
    divided = words != {None} and bool(tops) and all(split_word(top) or _is_unlabeled(top) for top in tops)
    by_folder = {name: _folder_label(name, depth=1 if divided else 0) for name in images}
    classes = sorted({label for label in by_folder.values() if label})
    ignored, notes = len(scan.files) - len(images), list(scan.notes)
    inside = _tables(scan)
    table_path = labels or (scan.root / inside[0] if inside else None)
    groups = {split: [n for n in images if _split(n) == split] for split in SPLITS} if divided else {None: images}
    if table_path is None:
        label_of: LabelOf = by_folder.get
        unmatched: tuple[UnmatchedRow, ...] = ()
        notes += _empty_class_note(scan, images, divided) + _deeper_tables_note(scan)
        notes += spelling_notes(_class_folders(images, divided), f"{scan.root}: folders")
    else:
        others = [name for name in scan.files if not is_picture_name(name)]
        table = read_labels(table_path, Names(scan.root, images, others))
        label_of, unmatched = table.labels.get, table.unmatched
        notes += _choice_notes(table_path, [] if labels else inside[1:], classes)
        notes += table.notes
        ignored -= any(table_path == scan.root / name for name in scan.files)
    parts = [
        Part(split, len(names), partial(_read, scan.root, tuple(names), label_of))
        for split, names in groups.items()
        if names
    ]
    hint = _hint(scan, images, classes) if table_path is None else _table_hint(table_path, unmatched)
    return Source(tuple(parts), scan.ignored + ignored, tuple(notes), root=scan.root, unmatched=unmatched, hint=hint)


def find_one_file(path: Path) -> Source:
    """One image file: a source of a single unlabeled image."""
    return Source((Part(None, 1, lambda: Rows([readable(path.name)], [None], [path])),), root=path.parent)


def _split(name: str) -> str:
    """The split of an image in a divided source; loose images and unlabeled/ belong to train."""
    return split_word(name.split("/", 1)[0]) or "train" if "/" in name else "train"


def _is_unlabeled(folder: str) -> bool:
    return folder.casefold() in _UNLABELED_FOLDERS


def _folder_label(name: str, depth: int) -> str | None:
    """The class folder in a relative path; `depth` 1 passes over a folder that is a split."""
    folder = _class_folder(name, bool(depth))
    return None if folder is None or _is_unlabeled(folder) else label_text(readable(folder), name)


def _class_folder(name: str, divided: bool) -> str | None:
    folders = name.split("/")[:-1]
    if folders and divided and split_word(folders[0]):
        folders = folders[1:]
    return folders[0] if folders else None


def _class_folders(images: Sequence[str], divided: bool) -> set[str]:
    return {readable(folder) for name in images if (folder := _class_folder(name, divided))}


def _tables(scan: Scan) -> list[str]:
    """The labels files of a folder: the plainest name first."""
    found = [name for name in scan.files if name.casefold() in LABELS_FILES]
    return sorted(found, key=lambda name: (name not in LABELS_FILES, LABELS_FILES.index(name.casefold()), name))


def _choice_notes(table: Path, others: Sequence[str], classes: Sequence[str]) -> list[str]:
    """What was not used beside the table: other tables, and folders that could have been classes."""
    notes = [f"Labels are read from {table}, not from {', '.join(map(readable, others))}."] if others else []
    if len(classes) > 1:
        shown = ", ".join(classes[:4]) + ", …" * (len(classes) > 4)
        notes.append(f"Labels are read from {table}; the names of the folders ({shown}) are not taken for classes.")
    return notes


def _table_hint(table: Path, unmatched: Sequence[UnmatchedRow]) -> str:
    """Why a table gave too few labels, if rows without an image are the reason."""
    if not unmatched:
        return f"The labels were read from {table}."
    first = unmatched[0]
    return (
        f"In {table}, {len(unmatched):,} rows name no image here: the first is line {first.line}, "
        f"{quoted(first.filename)}{f' (nearest: {quoted(first.nearest)})' if first.nearest else ''}. "
        "Give the paths of images within the folder."
    )


def _hint(scan: Scan, images: Sequence[str], classes: Sequence[str]) -> str:
    """Where the labels may be when folders gave at most one class: in another table, or one level deeper."""
    if len(classes) > 1:
        return ""
    beside = [name for name in scan.files if "/" not in name]
    tables = [name for name in beside if name.lower().endswith(_MAY_BE_TABLES)]
    for name in tables[:_LOOKED_INTO]:
        path = scan.root / name
        if path.is_file() and path.stat().st_size <= _LARGEST_LOOKED_INTO and could_be_labels(path):
            return f"Labels may be in {name}: give `labels` {shlex.quote(readable(str(path)))}"
    for name in beside:
        if name.lower().endswith(_SPREADSHEETS):
            return f"If the labels are in {readable(name)}, save them there as labels.csv. {SAVE_AS}"
    tops = {tuple(name.split("/")[:2]) for name in images if name.count("/") > 1}
    if len(classes) == 1 and len(tops) > 1 and len({top for top, _ in tops}) == 1:
        (top, one), (_, two) = sorted(tops)[:2]
        deeper = readable(str(scan.root / top))
        return f"If the folders in {deeper} are the classes ({readable(one)}, {readable(two)}), name {deeper} instead."
    return ""


def _deeper_tables_note(scan: Scan) -> list[str]:
    """A note on tables of labels in folders below, which are not read."""
    deeper = [name for name in scan.files if "/" in name and name.rpartition("/")[2].casefold() in LABELS_FILES]
    if not deeper:
        return []
    path = shlex.quote(readable(str(scan.root / deeper[0])))
    more = f" and {len(deeper) - 1:,} more" if len(deeper) > 1 else ""
    return [f"Not read, for it lies in a folder below: {readable(deeper[0])}{more}. To use it: `labels` {path}"]


def _empty_class_note(scan: Scan, images: Sequence[str], divided: bool) -> list[str]:
    level = 2 if divided else 1
    full = {"/".join(name.split("/")[:level]) for name in images}
    empty = [
        folder
        for folder in scan.folders
        if folder.count("/") == level - 1 and folder not in full and not _is_unlabeled(folder.split("/")[-1])
    ]
    return [f"Class folders that hold no image: {', '.join(map(readable, empty))}."] if empty else []


def _read(root: Path, names: tuple[str, ...], label_of: LabelOf) -> Rows:
    return Rows([readable(name) for name in names], [label_of(name) for name in names], [root / name for name in names])
