"""`ilk explain`: which pixels made an answer so, and what the units of a network see."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ilk.cli.options import AsJson, Debug, Quiet, RunFolder, Seed

ImageFiles = Annotated[list[str] | None, typer.Argument(metavar="IMAGE...", help="Image files.", show_default=False)]
Layer = Annotated[str | None, typer.Option(metavar="L", help="A convolution; the last one unless said.")]
Unit = Annotated[int | None, typer.Option(metavar="U", min=0, help="One unit; those that matter most unless said.")]
Label = Annotated[str | None, typer.Option(metavar="C", help="The class to watch: the image's label, else the answer.")]
Top9 = Annotated[bool, typer.Option("--top9", help="What drives each unit hardest in the run's own images.")]
Evolution = Annotated[bool, typer.Option("--evolution", help="The same at the epochs kept by fit --keep-epochs.")]
OutPage = Annotated[Path | None, typer.Option(metavar="F.html", help="The page; RUN/explanation.html unless said.")]


def explain(
    run: RunFolder,
    images: ImageFiles = None,
    layer: Layer = None,
    unit: Unit = None,
    label: Label = None,
    top9: Top9 = False,
    evolution: Evolution = False,
    out: OutPage = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show why images were answered so: nearest labeled images, deconvolutions, occlusion, invariance; one page."""
    if not images and not top9 and not evolution:
        raise typer.BadParameter("Name one IMAGE or more, or ask for --top9 or --evolution.")
    if out is not None and out.suffix.lower() not in (".html", ".htm"):
        raise typer.BadParameter(f"--out {out}: the explanation is a page. Give it such a name: {out.stem}.html.")
    from ilk.cli.console import Console
    from ilk.runs.explain import ExplainOptions, explain_run

    asked = ExplainOptions(layer=layer, unit=unit, label=label, top9=top9, evolution=evolution, seed=seed)
    console = Console(quiet, json)
    console.result(str(explain_run(run, images or [], console, asked, out)))
