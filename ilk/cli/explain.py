"""`ilk explain`: which pixels made an answer so, and what the units of a network see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ilk.cli.options import TYPED, AsJson, Debug, Quiet, RunFolder, Seed

if TYPE_CHECKING:
    from ilk.cli.console import Console
    from ilk.report.explanation import Explanation
    from ilk.runs.explain import ExplanationFiles

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
    from ilk.runs.explain import explain_run

    console = Console(quiet, json)
    found = explain_run(
        run,
        images or [],
        layer=layer,
        unit=unit,
        label=label,
        top9=top9,
        evolution=evolution,
        out=out,
        seed=seed,
        command=TYPED.get(),
        events=console,
    )
    tell_explanations(found, console)


def tell_explanations(found: ExplanationFiles, console: Console) -> None:
    """The answers, where they are explained, and the same as JSON."""
    from ilk.data.summary import counted
    from ilk.report.views import percent

    for one in found.explained:
        console.say(f"{one.shown.name}  {one.shown.answer}  {percent(one.shown.confidence)} {one.shown.status}")
        console.emit(event="explained", **explanation_facts(one, found.layer))
    if found.plots:
        console.say(f"{counted(len(found.plots), 'picture')} in {found.plots[0].parent}")
    console.emit(event="page", page=str(found.page), plots=[str(path) for path in found.plots])
    console.result(str(found.page))


def explanation_facts(one: Explanation, layer: str) -> dict[str, object]:
    """The explanation of one image for programs."""
    return {
        "filename": one.shown.name,
        "label": one.shown.answer,
        "confidence": one.shown.confidence,
        "status": one.shown.status,
        "watched": one.watched,
        "watched_is": one.watched_is,
        "probability": one.probability,
        "layer": layer,
        "neighbors": [neighbor.name for neighbor in one.shown.neighbors],
        "units": [unit.name for unit in one.units],
        "most_lost": float(one.drop.max()),
    }
