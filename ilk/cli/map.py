"""`ilk map`: a run's space in two dimensions, as a picture, a table and a page to walk through."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ilk.cli.options import AsJson, Debug, Quiet, RunFolder, Seed

Add = Annotated[
    list[str] | None, typer.Option(metavar="DATA", help="Other images, placed without moving the run's own.")
]
OutPage = Annotated[Path | None, typer.Option(metavar="F.html", help="The page; picture and table go beside it.")]
Method = Annotated[str, typer.Option(metavar="NAME", help="auto, tsne or pca.")]
Sample = Annotated[int | None, typer.Option(metavar="N", min=1, help="Draw the labeled and N other images.")]


def map_run(
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
    from ilk.runs.map import draw

    console = Console(quiet, json)
    page = draw(run, console, add=add or [], out=out, method=method, sample=sample, seed=seed)
    console.result(str(page))
