"""`ilk verify`: is a model whole, and does it answer as it did when it was saved?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ilk.cli.options import AsJson, Debug, Quiet, Seed

ModelFolder = Annotated[
    Path, typer.Argument(metavar="PATH", help="An exported model, or a run folder.", show_default=False)
]


def verify(path: ModelFolder, seed: Seed = 0, quiet: Quiet = False, json: AsJson = False, debug: Debug = False) -> None:
    """Check that a model is whole and answers as when it was saved; exit code 0, or 4 with the reason."""
    from ilk.cli.console import Console
    from ilk.errors import ModelError
    from ilk.runs.verify import mended_by, resumable, verify_either

    console = Console(quiet, json)
    run, found = verify_either(path)
    if run and resumable(run):
        from ilk.runs.integrity import broken_parts

        if broken := broken_parts(run):
            raise ModelError(
                f"The model of {run.path} is whole, but these parts of the run are missing or damaged: "
                f"{', '.join(broken)}. {mended_by(run)}"
            )
    first, *rest = found.lines()
    console.result(first)
    for line in rest:
        console.say(line)
    console.emit(event="verified", path=str(path), model=str(found.folder), **found.facts())
