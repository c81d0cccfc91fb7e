"""The table of groups: which classes are known to overlap."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ilk.data.delimited import SEPARATORS, Lines, read_lines
from ilk.errors import LabelsFileError

GROUP_COLUMNS = ("label", "group")
MOST_SHOWN = 6
"""So many classes of a group, and groups, are named on the screen."""


def read_groups(path: Path) -> dict[str, str]:
    """Class to group, from a table with the columns `label,group` as spreadsheets save it.

    Raises:
        LabelsFileError: the file cannot be read or has no such columns, a cell is empty, or a class is in two groups.
    """
    if path.exists() and (not path.is_file() or not path.stat().st_size):
        what = "is empty" if path.is_file() else "is no file"
        raise LabelsFileError(f"{path} {what}. `groups` takes a table whose first line is: label,group")
    lines = read_lines(path)
    columns, separator = _columns(lines)
    groups: dict[str, str] = {}
    said: dict[str, int] = {}
    _, *rows = lines.rows(separator)
    for line, cells in rows:
        label, group = (cells[column].strip() if column < len(cells) else "" for column in columns)
        if not label or not group:
            raise LabelsFileError(
                f"{path}:{line} has an empty label or group. Write one of each, or leave the row out."
            )
        if groups.setdefault(label, group) != group:
            raise LabelsFileError(
                f"{path}:{line} puts {label!r} into {group!r}, and line {said[label]} into {groups[label]!r}. "
                "A class is in one group."
            )
        said.setdefault(label, line)
    if not groups:
        raise LabelsFileError(f"{path} has a header, but no rows. Add a line for each class, like: cat,animal")
    return groups


def in_words(groups: dict[str, str]) -> str:
    """The groups with their classes: "animal (cat, dog), vehicle (ship)"."""
    members: dict[str, list[str]] = {}
    for label, group in groups.items():
        members.setdefault(group, []).append(label)
    return _shortened([f"{group} ({_shortened(labels)})" for group, labels in members.items()])


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + ", …" * (len(names) > MOST_SHOWN)


def _columns(lines: Lines) -> tuple[tuple[int, int], str]:
    """Where the two columns are, and the separator under which the header has them."""
    for separator in SEPARATORS:
        header = [cell.strip().casefold() for cell in next(lines.rows(separator))[1]]
        if all(name in header for name in GROUP_COLUMNS):
            return (header.index("label"), header.index("group")), separator
    first = lines.text.splitlines()[0][:80]
    raise LabelsFileError(f"{lines.path}:{lines.first} is {first!r}. The first line must name the columns label,group.")
