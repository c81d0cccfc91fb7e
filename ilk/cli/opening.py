"""A finished run's space, and images brought to its size: what every answering command begins with."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

from ilk.cli.console import Console
from ilk.data import Dataset, load
from ilk.errors import ModelError, NoImagesError, UsageError
from ilk.recipes import Space, space_of
from ilk.shapes import Vectors
from ilk.storage.bundle import load_bundle
from ilk.storage.run import CONFIG, Run, open_run, read_config


def open_space(folder: Path, data: str | None = None, command: str = "predict") -> tuple[Run, Space]:
    """The run and its trained space.

    Args:
        folder: of the run.
        data: what the command is given beside it; where that is the run, the two were swapped.
        command: for the words.
    Raises:
        UsageError: there is no such run, or it is not finished.
        ModelError: its model is damaged.
    """
    if data is not None and Path(data, CONFIG).is_file() and not Path(folder, CONFIG).is_file():
        line = f"ilk {command} {quote(data)} {quote(str(folder))}"
        raise UsageError(f"{folder} is no Ilk run, but {data} is one, and the run comes first. Write: {line}")
    run = open_run(folder)
    if not run.model.is_dir() and not read_config(run).get("finished"):
        raise UsageError(
            f"The run {run.path} is not finished, so it has no model yet. Go on with: ilk resume {quote(str(run.path))}"
        )
    try:
        return run, space_of(load_bundle(run.model))
    except ModelError as error:
        raise ModelError(f"{error} {mended_by(run)}") from error


def mended_by(run: Run) -> str:
    """What to do about a part of a finished run that is missing or damaged."""
    return f"While its data are still in place, this makes it again: ilk resume {quote(str(run.path))}"


def open_and_embed(
    folder: Path,
    source: str,
    console: Console,
    *,
    split: str | None = None,
    files: str | None = None,
    max_pixels: int = 100_000_000,
    command: str = "predict",
) -> tuple[Run, Space, Dataset, Vectors]:
    """A run, its space, images brought to it, and their points; errors are those of its two neighbors here."""
    run, space = open_space(folder, source, command)
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


def replaced(target: Path) -> str:
    """That a result took the place of another, perhaps of other data with the same folder name."""
    return f"{target} was there from an earlier command and is replaced; name another place by --out to keep both"
