"""What the page of an evaluation says: the error, the mistakes that it is made of, and whether confidence holds."""

from __future__ import annotations

import shlex
import sys
import time

import numpy as np

from ilk import __version__
from ilk.data import Dataset, picture_of
from ilk.data.summary import data_line
from ilk.measures import Confusion, class_report, confusion, most_frequent_mistakes, wilson_interval
from ilk.neighbors import STATUSES
from ilk.recipes import Space
from ilk.report import Card, ConfusedPair, Measurement, Neighbor, ReportContent
from ilk.runs.evaluate import Evaluation
from ilk.runs.report_page import MISTAKES, PICTURES, SIDE
from ilk.shapes import Pixels
from ilk.storage.pixels import read_pixels
from ilk.storage.run import Run


def evaluation_content(run: Run, space: Space, dataset: Dataset, verdict: Evaluation) -> ReportContent:
    """What the page says about a run's answers for images that it did not learn from."""
    n, answers = len(verdict.truth), verdict.answers
    counts = confusion(verdict.truth, answers.label, len(verdict.classes))
    reports = class_report(verdict.truth, answers.label, len(verdict.classes))
    return ReportContent(
        title=run.path.resolve().name,
        measured=Measurement(
            errors=verdict.errors,
            n=n,
            interval=wilson_interval(verdict.errors, n),
            split=verdict.split,
            floor=None if verdict.pixel_errors is None else verdict.pixel_errors / n,
            reports=list(zip(verdict.classes, reports, strict=True)),
        ),
        facts=[
            ("Data", data_line(dataset).removeprefix("Data    ")),
            ("Run", f"{run.path}, which learned from {verdict.labels:,} labels"),
            *(("Note", note) for note in verdict.notes()),
        ],
        statuses={status: int((answers.status == status).sum()) for status in STATUSES},
        confusion=counts,
        classes=verdict.classes,
        confused=confused(counts, space, dataset, verdict, read_pixels(run.labeled)),
        reliability=verdict.reliability(),
        optimistic=False,
        created=time.strftime("%Y-%m-%d %H:%M"),
        command=shlex.join(["ilk", *sys.argv[1:]]),
        version=__version__,
    )


def confused(
    counts: Confusion, space: Space, dataset: Dataset, verdict: Evaluation, labeled: Pixels | None
) -> list[ConfusedPair]:
    """The most frequent mistakes, each with some pictures and the labeled images that they rest on."""
    label = verdict.answers.label
    return [
        ConfusedPair(
            verdict.classes[mistake.truth],
            verdict.classes[mistake.answer],
            mistake.count,
            tuple(
                mistaken(int(row), space, dataset, verdict, labeled)
                for row in np.flatnonzero((verdict.truth == mistake.truth) & (label == mistake.answer))[:PICTURES]
            ),
        )
        for mistake in most_frequent_mistakes(counts, MISTAKES)
    ]


def mistaken(row: int, space: Space, dataset: Dataset, verdict: Evaluation, labeled: Pixels | None) -> Card:
    """One wrong answer with its evidence."""
    answers, i = verdict.answers, int(verdict.positions[row])
    near = zip(answers.neighbors[row], answers.distances[row], strict=True)
    return Card(
        name=dataset.names[i],
        image=picture_of(dataset, i, SIDE),
        answer=verdict.classes[answers.label[row]],
        confidence=float(answers.confidence[row]),
        status=str(answers.status[row]),
        truth=verdict.classes[verdict.truth[row]],
        neighbors=()
        if labeled is None
        else tuple(
            Neighbor(space.reference_names[j], labeled[j], space.classes[space.classifier.targets[j]], float(distance))
            for j, distance in near
        ),
    )
