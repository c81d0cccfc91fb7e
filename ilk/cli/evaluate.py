"""`ilk evaluate`: the error on labeled images that the run did not learn from, with its interval."""

from __future__ import annotations

from ilk.cli.options import (
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

SHOWN_CLASSES = 20


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
    from ilk.data import splits
    from ilk.report import render_report
    from ilk.runs.evaluate import judge
    from ilk.runs.evaluation_page import evaluation_content
    from ilk.runs.open import load_for, open_space
    from ilk.storage.files import write_text
    from ilk.storage.lock import holding

    console = Console(quiet, json)
    opened, space = open_space(run, data, "evaluate")
    if split is None:
        split = "test" if labels is None and "test" in splits(data, files) else "all"
    dataset = load_for(space, data, console, split=split, labels=labels, files=files, max_pixels=pixels)
    verdict = judge(opened, space, dataset, split, console)
    page = render_report(evaluation_content(opened, space, dataset, verdict))
    with holding(opened):
        write_text(opened.evaluation, page)
    console.result(f"Report  {opened.evaluation}")
    console.emit(event="evaluated", **verdict.as_json(), report=str(opened.evaluation))
    for line in verdict.lines(SHOWN_CLASSES):
        console.result(line)
