"""A finished run's space, and images brought to its size: what every answering command begins with."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from ilk.cli.console import Console
from ilk.data import Dataset, load
from ilk.errors import NoImagesError, UsageError
from ilk.recipes import Space, space_of
from ilk.shapes import Vectors
from ilk.storage.bundle import load_bundle
from ilk.storage.run import Run, open_run, read_config


def open_space(folder: Path) -> tuple[Run, Space]:
    """The run and its trained space.

    Raises:
        UsageError: there is no such run, or it is not finished.
        ModelError: its model is damaged.
    """
    run = open_run(folder)
    if not run.model.is_dir() and not read_config(run).get("finished"):
        raise UsageError(
            f"The run {run.path} is not finished, so it has no model yet. Go on with: ilk resume {quote(str(run.path))}"
        )
    return run, space_of(load_bundle(run.model))


def open_and_embed(
    folder: Path,
    source: str,
    console: Console,
    *,
    split: str | None = None,
    files: str | None = None,
    max_pixels: int = 100_000_000,
) -> tuple[Run, Space, Dataset, Vectors]:
    """A run, its space, images brought to it, and their points; errors are those of its two neighbors here."""
    run, space = open_space(folder)
    dataset = load_for(space, source, console, split=split, files=files, max_pixels=max_pixels)
    with console.progress("Embed") as update:
        points = space.embed(dataset.images, update)
    return run, space, dataset, points


def load_for(
    space: Space,
    source: str,
    console: Console,
    *,
    split: str | None = None,
    labels: Path | None = None,
    files: str | None = None,
    max_pixels: int = 100_000_000,
) -> Dataset:
    """Images at the size and in the channels that the space takes.

    Raises:
        NoImagesError: none can be used.
        ChannelsError: gray for color, or the reverse.
    """
    with console.progress("Reading") as update:
        dataset = load(
            source,
            split=split,
            labels=labels,
            files=files,
            size=space.size,
            max_pixels=max_pixels,
            on_progress=update,
        )
    for skipped in dataset.skipped[:5]:
        console.warn(f"skipped {skipped.file}: {skipped.reason}")
    if len(dataset.skipped) > 5:
        console.warn(f"skipped {len(dataset.skipped) - 5:,} more; `ilk check {quote(source)}` lists them")
    if len(dataset) == 0:
        raise NoImagesError(f"{source} holds no image that can be used.")
    space.require_channels(dataset)
    return dataset.in_color() if space.channels == 3 else dataset
