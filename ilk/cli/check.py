"""`ilk check`: what would be used, what is skipped and why; reads only."""

from __future__ import annotations

from ilk.cli.options import AsJson, Data, Debug, Files, LabelsFile, MaxPixels, Quiet, Seed, Split, parsed_count

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
            on_progress=update,
        )
    for skipped in dataset.skipped:
        console.emit(event="skipped", file=skipped.file, reason=skipped.reason)
    console.emit(event="checked", **facts(dataset))
    console.result(data_line(dataset))
    for skipped in dataset.skipped[:SHOWN_SKIPPED]:
        console.result(f"        skipped {skipped.file}: {skipped.reason}")
    if len(dataset.skipped) > SHOWN_SKIPPED:
        console.result(f"        and {len(dataset.skipped) - SHOWN_SKIPPED:,} more; `ilk fit` lists all in skipped.csv")
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
