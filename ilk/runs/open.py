"""Open a finished run and load images at its size: what every function that answers begins with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shlex import quote

from ilk.data import Dataset, load
from ilk.errors import ModelError, NoImagesError, UsageError
from ilk.model.bundle import load_bundle
from ilk.model.checksums import CHECKSUMS
from ilk.recipes import Space, space_of
from ilk.runs.events import Events
from ilk.runs.request import MAX_PIXELS
from ilk.runs.verify import repair_hint, require_model
from ilk.storage.run import CONFIG, Run, open_run

FROM_BUNDLES = ("predict", "embed")
"""Commands that need nothing of a run but its model."""


def open_space(folder: Path, data: str | None = None, command: str = "search") -> tuple[Run, Space]:
    """The run and its trained space; for some commands an exported model will do.

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
    if command in FROM_BUNDLES and is_exported(folder):
        return Run(folder), space_of(load_bundle(folder))
    run = open_run(folder)
    require_model(run)
    try:
        return run, space_of(load_bundle(run.model))
    except ModelError as error:
        raise ModelError(f"{error} {repair_hint(run)}") from error


def is_exported(folder: Path) -> bool:
    """Whether a folder is a model by itself rather than a run."""
    return not (folder / CONFIG).is_file() and (folder / CHECKSUMS).is_file()


def place_in(folder: Path, name: str) -> Path:
    """Where a result goes that nobody named: into the run; an exported model is left as it is.

    Raises:
        UsageError: the folder is an exported model.
    """
    if is_exported(folder):
        raise UsageError(
            f"{folder} is an exported model and stays as it is. Name a place for the answers: `out` {name}"
        )
    return folder / name


def load_for(
    space: Space,
    source: str,
    events: Events,
    *,
    split: str | None = None,
    labels: Path | None = None,
    files: str | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Dataset:
    """Images at the size and in the channels that the space takes.

    Raises:
        NoImagesError: none can be used.
        ChannelsError: gray for color, or the reverse.
    """
    with events.progress("Reading") as update:
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
        events.warn(f"skipped {skipped.file}: {skipped.reason}")
    if len(dataset.skipped) > 5:
        events.warn(f"skipped {len(dataset.skipped) - 5:,} more; `ilk check {quote(source)}` lists them")
    if len(dataset) == 0:
        raise NoImagesError(f"{source} holds no image that can be used.")
    return space.adapt(dataset)


def warn_if_replaced(target: Path, events: Events) -> Callable[[], None]:
    """Look whether a result is there already; the function, called once it is written, warns that it was replaced."""
    earlier = target.exists()

    def warn() -> None:
        if earlier:
            events.warn(
                f"{target} was there from an earlier command and is replaced; name another place by `out` to keep both"
            )

    return warn
