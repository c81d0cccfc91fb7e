"""Write the outputs of a trained run: the model, an answer for every image, tables, and the report."""

from __future__ import annotations

from dataclasses import replace
from shlex import quote

import numpy as np

from ilk.data import Dataset
from ilk.data.fingerprints import fingerprints
from ilk.data.summary import counted
from ilk.model.bundle import save_bundle
from ilk.neighbors import Answers
from ilk.recipes import FitResult, bundle_of
from ilk.report import ReportContent, draw_plots, render_report
from ilk.runs.report_page import report_content
from ilk.runs.resolve import Plan
from ilk.runs.session import Session
from ilk.storage.files import write_bytes, write_error, write_text
from ilk.storage.pixels import write_pixels
from ilk.storage.predictions import write_predictions
from ilk.storage.run import Run
from ilk.storage.tables import write_embeddings, write_manifest

FEW_LABELS = 4
"""Labels in a class below which nothing shows how far its answers hold."""


SECONDS_OF_THE_TABLES = 8.0
"""What a run needs after its images are embedded, beside drawing its map: index, tables, report."""
SECONDS_OF_THE_MAP = 8.0
IMAGES_ON_THE_MAP = 3000
"""The report's map shows at most so many images, and takes so long then."""


def seconds_of_outputs(images: int) -> float:
    """How long the index, the tables and the report of a run with so many images take, at most."""
    return SECONDS_OF_THE_TABLES + SECONDS_OF_THE_MAP * min(1.0, images / IMAGES_ON_THE_MAP)


def write_outputs(session: Session, plan: Plan, dataset: Dataset, fitted: FitResult) -> None:
    """Write everything that a finished run holds, and say where it lies; a stop is honored between two files."""
    run, space = session.run, fitted.space
    answers = without_themselves(space.classifier.predict(fitted.points, neighbors=4), dataset)
    session.stop.check()
    save_bundle(run.model, bundle_of(space))
    session.stop.check()
    write_answers(run, dataset, fitted, answers)
    session.stop.check()
    write_page(run, report_content(run, plan, dataset, fitted, answers))
    session.stop.check()
    say_ready(session, dataset, fitted, answers)


def write_answers(run: Run, dataset: Dataset, fitted: FitResult, answers: Answers) -> None:
    """The tables of a run, and the labeled images as they were seen."""
    space = fitted.space
    write_predictions(run.predictions, dataset.names, answers, space.classes, space.reference_names)
    labels = [space.classes[t] if t >= 0 else None for t in dataset.targets]
    write_embeddings(run.embeddings, dataset.names, fitted.points, labels=labels)
    write_manifest(run.manifest, zip(dataset.names, labels, fingerprints(dataset.images), strict=True))
    write_pixels(run.labeled, dataset.images[dataset.labeled])


def say_ready(session: Session, dataset: Dataset, fitted: FitResult, answers: Answers) -> None:
    """How many answers are sure, where everything lies, and what to do next."""
    run, events, counts = session.run, session.events, answers.status_counts()
    events.say(
        f"Ready   {counts['sure']:,} sure · {counts['check']:,} to check · {counts['unlike']:,} unlike anything labeled"
        f"       report: {run.report}"
    )
    least = min(dataset.counts().values())
    if least < FEW_LABELS:
        events.say(
            f"        with {counted(least, 'label')} in a class, `sure` is a guess: check some before you rely on it"
        )
    path = quote(str(run.path))  # as a shell reads it
    events.say(f"        predictions: {run.predictions}   next: ilk map {path}   ilk predict {path} DATA")
    events.emit(
        event="ready",
        run=str(run.path),
        report=str(run.report),
        predictions=str(run.predictions),
        steps=int(fitted.history[-1]["step"]),
        k=fitted.space.classifier.k,
        **counts,
    )


def without_themselves(answers: Answers, dataset: Dataset) -> Answers:
    """The same answers, with each labeled image taken out of its own neighbors; one neighbor fewer for all."""
    own = np.full(len(dataset), -1)
    own[dataset.labeled] = np.arange(len(dataset.labeled))
    keep = answers.neighbors != own[:, None]
    # Exactly one column goes from each row: its own, or else the last.
    keep[keep.all(axis=1), -1] = False
    rows, width = answers.neighbors.shape
    return replace(
        answers,
        neighbors=answers.neighbors[keep].reshape(rows, width - 1),
        distances=answers.distances[keep].reshape(rows, width - 1),
    )


def write_page(run: Run, content: ReportContent) -> None:
    """The report, and every plot in it as a file of its own."""
    try:
        run.plots.mkdir(exist_ok=True)
    except OSError as error:
        raise write_error(error, run.plots) from error
    plots = draw_plots(content) | ({"map.png": content.map} if content.map else {})
    for name, picture in plots.items():
        write_bytes(run.plots / name, picture)
    write_text(run.report, render_report(content))
