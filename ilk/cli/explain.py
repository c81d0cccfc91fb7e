"""`ilk explain`: which pixels made an answer so, and what the units of a network see."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ilk.cli.options import AsJson, Debug, Quiet, RunFolder, Seed

ImageFiles = Annotated[list[str] | None, typer.Argument(metavar="IMAGE...", help="Image files.", show_default=False)]
Layer = Annotated[str | None, typer.Option(metavar="L", help="A convolution; the last one unless said.")]
Unit = Annotated[int | None, typer.Option(metavar="U", min=0, help="One unit; those that matter most unless said.")]
Top9 = Annotated[bool, typer.Option("--top9", help="What drives each unit hardest in the run's own images.")]
OutPage = Annotated[Path | None, typer.Option(metavar="F.html", help="The page; RUN/explanation.html unless said.")]


def explain(
    run: RunFolder,
    images: ImageFiles = None,
    layer: Layer = None,
    unit: Unit = None,
    top9: Top9 = False,
    out: OutPage = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show why images were answered so: nearest labeled images, deconvolutions, occlusion, invariance; one page."""
    if not images and not top9:
        raise typer.BadParameter("Name one IMAGE or more, or ask for --top9.")
    from ilk.cli.console import Console
    from ilk.cli.explaining import explain_run

    explain_run(run, images or [], Console(quiet, json), layer=layer, unit=unit, top9=top9, out=out)
