"""`ilk search`: the images of a run that are most similar to one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ilk.cli.options import AsJson, Debug, Quiet, RunFolder, Seed


def search(
    run: RunFolder,
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="An image file.", show_default=False)],
    k: Annotated[int, typer.Option("-k", metavar="K", help="How many.")] = 12,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Find the images of a run, labeled or not, that are most like IMAGE, nearest first."""
    if k < 1:
        raise typer.BadParameter(f"-k must be 1 or more, not {k}.")
    from ilk.cli.console import Console
    from ilk.runs.search import SeveralImagesError, search_images

    console = Console(quiet, json)
    try:
        found = search_images(run, image, k=k, events=console)
    except SeveralImagesError as error:
        raise typer.BadParameter(str(error)) from error
    width = max(len(match.filename) for match in found)
    for match in found:
        name, predicted = f"{match.filename:<{width}}", "" if match.labeled else " (predicted)"
        console.result(f"{match.rank:3d}  {match.distance:9.3f}  {name}  {match.label}{predicted}")
        console.emit(**asdict(match))
