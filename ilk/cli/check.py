"""`ilk check`: what would be used, what is skipped and why; reads only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ilk.cli.options import AsJson, Data, Debug, Files, LabelsFile, MaxPixels, Quiet, Seed, Split, parsed_count

if TYPE_CHECKING:
    from ilk.data import Skipped

SHOWN_SKIPPED = 20


def check(
    data: Data,
    labels: LabelsFile = None,
    files: Files = None,
    split: Split = "train",
    max_pixels: MaxPixels = "100M",
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Audit a data set without writing anything: what is used, what is skipped and why."""
    from ilk.cli.console import Console
    from ilk.cli.summary import data_line, facts, labels_line
    from ilk.data import load
    from ilk.errors import DataError, NoImagesError

    console = Console(quiet, json)
    with console.progress("Reading") as update:
        dataset = load(
            data,
            split=split,
            labels=labels,
            files=files,
            max_pixels=parsed_count(max_pixels),
            pixels=False,
            on_progress=update,
        )
    for skipped in dataset.skipped:
        console.emit(event="skipped", file=skipped.file, reason=skipped.reason)
    for row in dataset.unmatched:
        console.emit(event="unmatched", **asdict(row))
    console.emit(event="checked", **facts(dataset))
    console.result(data_line(dataset))
    for line in skipped_lines(dataset.skipped):
        console.result(f"        {line}")
    if len(dataset) == 0:
        raise NoImagesError(f"{dataset.source} holds no image that can be used.")
    console.result(labels_line(dataset))
    _, channels, height, width = dataset.images.shape
    console.result(f"Images  used at {height}×{width} px, {'gray' if channels == 1 else 'color'}")
    for note in dataset.notes:
        console.result(f"Note    {note}")
    try:
        dataset.require_trainable()
    except DataError as error:
        console.result(f"Note    `ilk fit` would refuse: {error}")


def skipped_lines(skipped: Sequence[Skipped]) -> list[str]:
    """One line for each skipped file, or for each kind of reason where the files are many."""
    if len(skipped) <= SHOWN_SKIPPED:
        return [f"skipped {one.file}: {one.reason}" for one in skipped]
    kinds: dict[str, list[Skipped]] = {}
    for one in skipped:
        kinds.setdefault(re.sub(r"[0-9][0-9,]*", "#", one.reason), []).append(one)
    largest = sorted(kinds.values(), key=len, reverse=True)
    lines = [
        f"{len(alike):,} skipped, the first {alike[0].file}: {alike[0].reason}"
        if len(alike) > 1
        else f"skipped {alike[0].file}: {alike[0].reason}"
        for alike in largest[:SHOWN_SKIPPED]
    ]
    rest = sum(map(len, largest[SHOWN_SKIPPED:]))
    more = [f"and {rest:,} more of other kinds"] if rest else []
    every = "skipped.csv of a run and `ilk check --json` name every file"
    return [*lines, *more, every] if more or any(len(alike) > 1 for alike in largest) else lines
