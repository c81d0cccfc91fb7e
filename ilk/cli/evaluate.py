"""`ilk evaluate`: the error on labeled images that the run did not learn from, with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ilk.cli.options import (
    TYPED,
    AsJson,
    Data,
    Debug,
    Files,
    LabelsFile,
    MaxPixels,
    Quiet,
    RunFolder,
    Seed,
    Split,
    parsed_count,
)

if TYPE_CHECKING:
    from ilk.cli.console import Console
    from ilk.runs.evaluation import Evaluation


def evaluate(
    run: RunFolder,
    data: Data,
    labels: LabelsFile = None,
    files: Files = None,
    split: Split = None,
    max_pixels: MaxPixels = "100M",
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Measure the error on labeled images of DATA; images whose labels the run learned from are left out."""
    pixels = parsed_count(max_pixels)
    from ilk.cli.console import Console
    from ilk.runs.evaluate import evaluate_run

    console = Console(quiet, json)
    found = evaluate_run(
        run,
        data,
        split=split,
        labels=labels,
        files=files,
        max_pixels=pixels,
        command=TYPED.get(),
        events=console,
    )
    tell_evaluation(found, console)


def tell_evaluation(found: Evaluation, console: Console) -> None:
    """Where the page lies, and the figures; the error comes last."""
    from ilk.cli.evaluation_lines import evaluation_lines

    console.result(f"Report  {found.page}")
    console.emit(event="evaluated", **found.as_json(), report=str(found.page))
    for line in evaluation_lines(found):
        console.result(line)
