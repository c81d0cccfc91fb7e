"""The arguments and options that several commands share, each with its one line of help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer

from ilk.errors import LabelsFileError, UsageError
from ilk.runs.seeds import require_seed

TYPED: ContextVar[tuple[str, ...]] = ContextVar("TYPED", default=())
"""The arguments of the command line, for the pages that say how they were made."""


def _checked_seed(seed: int) -> int:
    try:
        require_seed(seed)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from error
    return seed


def _checked_data(data: str) -> str:
    if (path := Path(data).resolve()) == path.parent:
        raise UsageError(f"{data} is the whole computer. Name the folder of your images.")
    return data


def _checked_labels(path: Path | None) -> Path | None:
    if path is not None and path.exists() and not path.is_file():  # reading from a pipe would wait forever
        kind = "folder" if path.is_dir() else "pipe or device"
        raise LabelsFileError(f"{path} is a {kind}. Give a file with the columns filename,label by --labels.")
    return path


Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA", help="A folder, table, archive or image.", show_default=False, callback=_checked_data
    ),
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/pets.", show_default=False)]
LabelsFile = Annotated[
    Path | None, typer.Option("--labels", metavar="F", help="Table with filename,label.", callback=_checked_labels)
]
Files = Annotated[str | None, typer.Option(metavar="PATTERN", help="Which files, e.g. 'a*.parquet'.")]
Split = Annotated[str | None, typer.Option(metavar="NAME", help="train, val, test or all.")]
MaxPixels = Annotated[str, typer.Option(metavar="N", help="Skip images with more pixels.")]
Out = Annotated[Path | None, typer.Option(metavar="PATH", help="Where the result goes.")]
Seed = Annotated[int, typer.Option(metavar="N", help="Of everything random.", callback=_checked_seed)]
Quiet = Annotated[bool, typer.Option("--quiet", help="The answer, warnings and errors only.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON lines on stdout, words on stderr.")]
Debug = Annotated[bool, typer.Option("--debug", help="Tracebacks with errors.")]


@contextmanager
def pointing_to_help() -> Iterator[None]:
    """Within the block, a refused setting is a slip on the command line: the sentence ends with where its help is."""
    try:
        yield
    except UsageError as error:
        raise typer.BadParameter(str(error)) from error


def parsed_count(text: str) -> int:
    """A number of pixels from 5000000, 100M, 1G.

    Raises:
        typer.BadParameter: anything else.
    """
    factor = {"K": 10**3, "M": 10**6, "G": 10**9}.get(text[-1:].upper(), 1)
    try:
        count = int(float(text[:-1] if factor > 1 else text) * factor)
    except (ValueError, OverflowError):
        count = 0
    if count < 1:
        raise typer.BadParameter(f"{text!r} is no number of pixels. Write for instance 5000000 or 100M.")
    return count
