"""Images that lie in folders: one folder for each class, or a flat folder with a table of labels; or one file."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ilk.data.labels_table import read_labels, unmatched_note
from ilk.data.listing import SPLITS, Found, Part, Rows, split_word
from ilk.data.scanning import Scan, is_image_name

LABELS_FILE = "labels.csv"
_UNLABELED_FOLDERS = ("unlabeled", "unlabelled")

LabelOf = Callable[[str], str | None]


def find_in_folder(scan: Scan, labels: Path | None = None) -> Found:
    """The images under a folder, with labels from a table if there is one, else from the names of the folders.

    A level train, val, test above counts as splits when every folder with images is named for one (or "unlabeled",
    whose images belong to train).

    Args:
        scan: the folder as it was listed.
        labels: a table of labels; None: `labels.csv` in the folder, if it is there.

    Raises:
        LabelsFileError: the table cannot be used.
    """
    images = [name for name in scan.files if is_image_name(name)]
    tops = {name.split("/", 1)[0] for name in images if "/" in name}
    words = {split_word(top) for top in tops}
    divided = words != {None} and bool(tops) and all(split_word(top) or _is_unlabeled(top) for top in tops)
    ignored, notes = len(scan.files) - len(images), list(scan.notes)
    table_path = labels or (scan.root / LABELS_FILE if LABELS_FILE in scan.files else None)
    if table_path is None:
        label_of: LabelOf = partial(_folder_label, depth=1 if divided else 0)
        notes += _empty_class_note(scan, images, divided)
    else:
        table = read_labels(table_path, scan.root)
        label_of = table.labels.get
        notes += unmatched_note(table, table_path, set(images))
        ignored -= LABELS_FILE in scan.files and table_path == scan.root / LABELS_FILE
    groups = {split: [n for n in images if _split(n) == split] for split in SPLITS} if divided else {None: images}
    parts = [
        Part(split, len(names), partial(_read, scan.root, tuple(names), label_of))
        for split, names in groups.items()
        if names
    ]
    return Found(tuple(parts), scan.ignored + ignored, tuple(notes))


def find_one_file(path: Path) -> Found:
    """One image file: a source of a single unlabeled image."""
    return Found((Part(None, 1, lambda: Rows([_readable(path.name)], [None], [path])),))


def _split(name: str) -> str:
    """The split of an image in a divided source; loose images and unlabeled/ belong to train."""
    return split_word(name.split("/", 1)[0]) or "train" if "/" in name else "train"


def _is_unlabeled(folder: str) -> bool:
    return folder.casefold() in _UNLABELED_FOLDERS


def _folder_label(name: str, depth: int) -> str | None:
    """The class folder in a relative path; `depth` 1 passes over a folder that is a split."""
    folders = name.split("/")[:-1]
    if folders and depth and split_word(folders[0]):
        folders = folders[1:]
    return None if not folders or _is_unlabeled(folders[0]) else _readable(folders[0])


def _empty_class_note(scan: Scan, images: Sequence[str], divided: bool) -> list[str]:
    level = 2 if divided else 1
    full = {"/".join(name.split("/")[:level]) for name in images}
    empty = [
        folder
        for folder in scan.folders
        if folder.count("/") == level - 1 and folder not in full and not _is_unlabeled(folder.split("/")[-1])
    ]
    return [f"Class folders that hold no image: {', '.join(empty)}."] if empty else []


def _read(root: Path, names: tuple[str, ...], label_of: LabelOf) -> Rows:
    readable = [_readable(name) for name in names]
    return Rows(readable, [label_of(name) for name in names], [root / name for name in names])


def _readable(name: str) -> str:
    """A name that can be written as UTF-8; bytes of another encoding become escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
