"""`ilk map`: a run's space in two dimensions, as a picture, a table and a page to walk through."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ilk.cli.options import AsJson, Debug, Quiet, RunFolder, Seed

if TYPE_CHECKING:
    from ilk.cli.console import Console
    from ilk.runs.map import MapFiles

Add = Annotated[
    list[str] | None, typer.Option(metavar="DATA", help="Other images, placed without moving the run's own.")
]
OutPage = Annotated[Path | None, typer.Option(metavar="F.html", help="The page; picture and table go beside it.")]
Method = Annotated[str, typer.Option(metavar="NAME", help="auto, tsne or pca.")]
Sample = Annotated[int | None, typer.Option(metavar="N", min=1, help="Draw the labeled and N other images.")]


def map_command(
    run: RunFolder,
    add: Add = None,
    out: OutPage = None,
    method: Method = "auto",
    sample: Sample = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Draw the space of a run: labeled images in color, unlabeled in gray; a page, a picture and a table."""
    if method not in ("auto", "tsne", "pca"):
        raise typer.BadParameter(f"--method must be auto, tsne or pca, not {method!r}.")
    from ilk.cli.console import Console
    from ilk.runs.map import map_run

    console = Console(quiet, json)
    found = map_run(run, add=add or [], out=out, method=method, sample=sample, seed=seed, events=console)
    tell_map(found, console)


def tell_map(found: MapFiles, console: Console) -> None:
    """What the map shows, and where it lies."""
    added = f", {found.added:,} added without moving the others" if found.added else ""
    console.say(f"{found.images:,} images, {found.labeled:,} labeled{added}")
    console.say(found.note)
    console.emit(
        event="mapped",
        map=str(found.page),
        picture=str(found.picture),
        table=str(found.table),
        images=found.images,
        labeled=found.labeled,
        added=found.added,
        method=found.map.method,
        landmarks=len(found.map.landmarks),
        preserved=found.map.preserved,
        thumbnails=found.thumbnails,
    )
    console.result(str(found.page))
