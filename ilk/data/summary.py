"""The lines that say what went in: used + skipped = found, and how many labels each class has."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ilk.data.dataset import Dataset, Skipped

SHOWN_CLASSES = 6
SHOWN_SKIPPED = 20
LONGEST_NAME = 40
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"


def data_line(dataset: Dataset, skipped_at: str = "") -> str:
    """One line: how many files were found, used and skipped."""
    where = f" ({skipped_at})" if skipped_at and dataset.skipped else ""
    line = (
        f"Data    {dataset.source}  {dataset.found:,} found = {len(dataset):,} used + {len(dataset.skipped):,} skipped"
    )
    ignored = f", {counted(dataset.ignored, 'other file')} ignored" if dataset.ignored else ""
    return line + where + ignored


def skipped_lines(skipped: Sequence[Skipped]) -> list[str]:
    """One line for each skipped file, or for each kind of reason where the files are many."""
    if len(skipped) <= SHOWN_SKIPPED:
        return [f"skipped {one.file}: {one.reason}" for one in skipped]
    kinds: dict[str, list[Skipped]] = {}
    for one in skipped:
        kinds.setdefault(re.sub(r"[0-9][0-9,]*", "#", one.reason), []).append(one)
    largest = sorted(kinds.values(), key=len, reverse=True)
    lines = [
        f"{len(same_reason):,} skipped, the first {same_reason[0].file}: {same_reason[0].reason}"
        if len(same_reason) > 1
        else f"skipped {same_reason[0].file}: {same_reason[0].reason}"
        for same_reason in largest[:SHOWN_SKIPPED]
    ]
    rest = sum(map(len, largest[SHOWN_SKIPPED:]))
    more = [f"and {rest:,} more of other kinds"] if rest else []
    every = "skipped.csv of a run and `ilk check --json` name every file"
    return [*lines, *more, every] if more or any(len(same_reason) > 1 for same_reason in largest) else lines


def labels_line(dataset: Dataset, unmatched_at: str = "") -> str:
    """One line: how many labels, in which classes, how many images have none, and rows that name no image."""
    counts = sorted(dataset.counts().items(), key=lambda item: -item[1])
    equal = len({count for _, count in counts}) == 1
    shown = [short(name) if equal else f"{short(name)} {count:,}" for name, count in counts]
    if len(shown) > SHOWN_CLASSES:
        shown = [*shown[: SHOWN_CLASSES - 2], "…", shown[-1]]
    labeled = sum(count for _, count in counts)
    each = f"{counts[0][1]:,} each: " if equal else ""
    in_classes = f" in {counted(len(counts), 'class', 'classes')} ({each}{', '.join(shown)})" if counts else ""
    where = f" ({unmatched_at})" if unmatched_at else ""
    rows = counted(len(dataset.unmatched), "row")
    lost = f", {rows} of the table without an image{where}" if dataset.unmatched else ""
    return f"Labels  {labeled:,} labeled{in_classes}, {len(dataset) - labeled:,} unlabeled{lost}"


def counted(n: int, one: str, several: str = "") -> str:
    """A number with its noun: 1 row, 2 rows."""
    return f"{n:,} {one if n == 1 else several or one + 's'}"


def short(name: str) -> str:
    """A class name that leaves room for others on its line; one written from right to left keeps to its place."""
    shown = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
    leftward = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in shown)
    return f"{FIRST_STRONG_ISOLATE}{shown}{POP_ISOLATE}" if leftward else shown


def facts(dataset: Dataset) -> dict[str, object]:
    """The same as JSON can hold it."""
    _, channels, height, width = dataset.images.shape
    return {
        "source": dataset.source,
        "found": dataset.found,
        "used": len(dataset),
        "skipped": len(dataset.skipped),
        "ignored": dataset.ignored,
        "labeled": len(dataset.labeled),
        "unlabeled": len(dataset) - len(dataset.labeled),
        "unmatched": len(dataset.unmatched),
        "classes": dataset.counts(),
        "height": height,
        "width": width,
        "channels": channels,
        "notes": list(dataset.notes),
    }
