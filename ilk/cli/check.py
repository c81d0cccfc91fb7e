"""`ilk check`: what would be used, what is skipped and why; reads only."""

from __future__ import annotations

from dataclasses import asdict

from ilk.cli.option_names import with_options
from ilk.cli.options import AsJson, Data, Debug, Files, LabelsFile, MaxPixels, Quiet, Seed, Split, parsed_count


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
    from ilk.data import load
    from ilk.data.summary import data_line, facts, labels_line, skipped_lines
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
        console.emit(event="skipped", file=skipped.file, reason=with_options(skipped.reason))
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
