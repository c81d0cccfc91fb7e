"""Gather the page of an evaluation: the error, the mistakes that it is made of, and whether confidence holds."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ilk import __version__
from ilk.data import Dataset, picture_of
from ilk.data.summary import data_line
from ilk.measures import class_report, confusion, wilson_interval
from ilk.recipes import Space
from ilk.report import Card, Measurement, ReportContent
from ilk.report.limits import IMAGE_SIDE
from ilk.runs.cards import command_line, confused_pairs, reference_cards
from ilk.runs.evaluation import Evaluation
from ilk.shapes import Pixels
from ilk.storage.pixels import read_pixels
from ilk.storage.run import Run


def evaluation_content(
    run: Run, space: Space, dataset: Dataset, evaluation: Evaluation, command: Sequence[str]
) -> ReportContent:
    """What the page says about a run's answers for images that it did not learn from."""
    answers, truth, labeled = evaluation.answers, evaluation.truth, read_pixels(run.labeled)
    counts = confusion(truth, answers.label, len(evaluation.classes))
    return ReportContent(
        title=run.path.resolve().name,
        measured=measured(evaluation),
        facts=[
            ("Data", data_line(dataset).removeprefix("Data    ")),
            ("Run", f"{run.path}, which learned from {evaluation.labels:,} labels"),
            *(("Note", note) for note in evaluation.notes()),
        ],
        statuses=answers.status_counts(),
        confusion=counts,
        classes=evaluation.classes,
        confused=confused_pairs(
            counts,
            truth,
            answers.label,
            evaluation.classes,
            lambda row: evaluated_card(row, space, dataset, evaluation, labeled),
        ),
        reliability=evaluation.reliability(),
        optimistic=False,
        created=time.strftime("%Y-%m-%d %H:%M"),
        command=command_line(command),
        version=__version__,
    )


def measured(evaluation: Evaluation) -> Measurement:
    """The error as the page shows it."""
    n = len(evaluation.truth)
    reports = class_report(evaluation.truth, evaluation.answers.label, len(evaluation.classes))
    return Measurement(
        errors=evaluation.errors,
        n=n,
        interval=wilson_interval(evaluation.errors, n),
        split=evaluation.split,
        floor=None if evaluation.pixel_errors is None else evaluation.pixel_errors / n,
        reports=list(zip(evaluation.classes, reports, strict=True)),
    )


def evaluated_card(row: int, space: Space, dataset: Dataset, evaluation: Evaluation, labeled: Pixels | None) -> Card:
    """One of the images with its answer and the labeled images that it rests on."""
    answers, i = evaluation.answers, int(evaluation.positions[row])
    return Card(
        name=dataset.names[i],
        image=picture_of(dataset, i, IMAGE_SIDE),
        answer=evaluation.classes[answers.label[row]],
        confidence=float(answers.confidence[row]),
        status=str(answers.status[row]),
        truth=evaluation.classes[evaluation.truth[row]],
        neighbors=reference_cards(answers.neighbors[row], answers.distances[row], space, labeled),
    )
