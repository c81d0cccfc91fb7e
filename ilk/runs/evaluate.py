"""Measure the error of a run on labeled images that it did not learn from, and write a page about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ilk.data import splits
from ilk.report import render_report
from ilk.runs.evaluation import Evaluation, evaluate
from ilk.runs.evaluation_page import evaluation_content
from ilk.runs.events import SILENT, Events
from ilk.runs.open import load_for, open_space
from ilk.runs.request import MAX_PIXELS
from ilk.storage.files import write_text
from ilk.storage.lock import holding


def evaluate_run(
    folder: str | Path,
    data: str | Path,
    *,
    split: str | None = None,
    labels: Path | None = None,
    files: str | None = None,
    max_pixels: int = MAX_PIXELS,
    command: Sequence[str] = (),
    events: Events = SILENT,
) -> Evaluation:
    """Measure the error of a run on labeled images that it did not learn from, and write evaluation.html.

    Args:
        folder: of the run.
        data: the images, and their labels unless `labels` gives them.
        split: the part of the data; None for test where there is one and no `labels`, else all.
        labels: a table with filename,label.
        files: pattern of the files to use.
        max_pixels: images with more are skipped.
        command: the arguments of the command line, for the page.
        events: who is told.
    Raises:
        UsageError: no such run, or it is not finished.
        DataError: no image with a label that the run did not learn from, or no class that the model knows.
        ModelError: the model or manifest.csv is damaged.
    """
    run, space = open_space(Path(folder), str(data), "evaluate")
    if split is None:
        split = "test" if labels is None and "test" in splits(str(data), files) else "all"
    dataset = load_for(space, str(data), events, split=split, labels=labels, files=files, max_pixels=max_pixels)
    evaluation = evaluate(run, space, dataset, split, events)
    page = render_report(evaluation_content(run, space, dataset, evaluation, command))
    with holding(run):
        write_text(run.evaluation, page)
    return evaluation
