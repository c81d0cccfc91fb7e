"""`ilk export`: a run's model as a folder to take away."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from ilk.cli.options import AsJson, Debug, Quiet, RunFolder, Seed

Target = Annotated[Path, typer.Option("--out", metavar="PATH", help="The folder to write.", show_default=False)]


def export(
    run: RunFolder,
    out: Target,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the model at --out.")] = False,
    onnx: Annotated[bool, typer.Option("--onnx", help="With the embedding as ONNX, compared at once.")] = False,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write the model of RUN, verified, as a folder at exactly PATH."""
    from ilk.cli.console import Console
    from ilk.runs.export import export_model

    console = Console(quiet, json)
    found = export_model(run, out, overwrite=overwrite, onnx=onnx, seed=seed)
    console.say(f"Model   {found.in_words()}, verified" + (", with ONNX" if onnx else ""))
    console.result(str(out))
    place = quote(str(out))
    console.say(f"        next: ilk verify {place}   ilk predict {place} DATA --out answers.csv")
    console.emit(event="exported", path=str(out), **found.facts())
