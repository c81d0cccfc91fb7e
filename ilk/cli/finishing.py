"""What a finished run leaves: the model, an answer for every image, tables, and the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shlex import quote

import numpy as np

from ilk.cli.console import Console
from ilk.cli.fingerprints import fingerprints
from ilk.cli.request import Request
from ilk.cli.summary import data_line, labels_line
from ilk.data import Dataset
from ilk.measures import confusion
from ilk.neighbors import STATUSES, Answers, NeighborClassifier, NeighborIndex, vote
from ilk.recipes import Fitted, bundle_of
from ilk.report import Neighbor, ReportContent, Shown, render_report
from ilk.storage.bundle import save_bundle
from ilk.storage.files import write_text
from ilk.storage.pixels import write_pixels
from ilk.storage.run import Run
from ilk.storage.tables import write_embeddings, write_manifest, write_predictions
from ilk.training import diagnose

SHOWN = 8


def finish(run: Run, request: Request, dataset: Dataset, fitted: Fitted, console: Console) -> None:
    """Write everything that a finished run holds, and say where it lies."""
    space = fitted.space
    save_bundle(run.model, bundle_of(space))
    answers = without_themselves(space.classifier.predict(fitted.points, neighbors=4), dataset)
    write_predictions(run.predictions, dataset.names, answers, space.classes, space.reference_names)
    labels = [space.classes[t] if t >= 0 else None for t in dataset.targets]
    write_embeddings(run.embeddings, dataset.names, fitted.points, labels=labels)
    write_manifest(run.manifest, zip(dataset.names, labels, fingerprints(dataset.images), strict=True))
    write_pixels(run.labeled, dataset.images[dataset.labeled])
    write_text(run.report, render_report(report_content(run, request, dataset, fitted, answers)))

    counts = {status: int((answers.status == status).sum()) for status in STATUSES}
    console.say(
        f"Ready   {counts['sure']:,} sure · {counts['check']:,} to check · {counts['unlike']:,} unlike anything labeled"
        f"       report: {run.report}"
    )
    path = quote(str(run.path))  # as a shell reads it
    console.say(f"        predictions: {run.predictions}   next: ilk predict {path} DATA   ilk search {path} IMAGE")
    console.emit(
        event="ready",
        run=str(run.path),
        report=str(run.report),
        predictions=str(run.predictions),
        steps=int(fitted.history[-1]["step"]),
        k=space.classifier.k,
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


def report_content(run: Run, request: Request, dataset: Dataset, fitted: Fitted, answers: Answers) -> ReportContent:
    """What the page says about this run."""
    settings, classifier = request.settings, fitted.space.classifier
    last = fitted.history[-1]
    height, width = dataset.images.shape[2:]
    facts = [
        ("Data", data_line(dataset).removeprefix("Data    ")),
        ("Labels", labels_line(dataset).removeprefix("Labels  ")),
        ("Images", f"{height}×{width} px, {'gray' if dataset.images.shape[1] == 1 else 'color'}"),
        ("Network", f"{request.network}, {classifier.points.shape[1]} dimensions"),
        ("Training", f"{int(last['step']):,} steps, {last['epoch']:.1f} passes over the images, seed {settings.seed}"),
        ("Augmentation", settings.augment),
        ("Neighbors", f"k = {classifier.k}, chosen on the labels alone"),
        (
            "Status",
            f"sure from confidence {classifier.sure_from:g}; unlike beyond distance {classifier.unlike_beyond:.3g}; "
            "both provisional until someone has checked a sample",
        ),
        *(("Note", note) for note in dataset.notes),
    ]
    unlabeled = np.flatnonzero(dataset.targets < 0)
    candidates = unlabeled if len(unlabeled) else np.arange(len(dataset))
    order = candidates[np.argsort(-answers.confidence[candidates], kind="stable")]
    return ReportContent(
        title=run.path.name,
        facts=facts,
        label_counts=dataset.counts(),
        statuses={status: int((answers.status == status).sum()) for status in STATUSES},
        history=fitted.history,
        warnings=diagnose(last, dataset.classes, int(last["largest_class"]), settings),
        confusion=own_confusion(classifier),
        classes=dataset.classes,
        surest=[shown(int(i), dataset, answers) for i in spread_over_classes(order, answers)],
        least_sure=[shown(int(i), dataset, answers) for i in order[::-1][:SHOWN]],
        next_steps=next_steps(run.path),
    )


def own_confusion(classifier: NeighborClassifier) -> np.ndarray | None:
    """Leave-one-out on the labels, shape (classes, classes); None where no class has two labels.

    The only label of its class is left out of it: the others can never give it its own class.
    """
    points, targets = classifier.points, classifier.targets
    several = np.bincount(targets)[targets] > 1
    if not several.any():
        return None
    _, voters = NeighborIndex(points).search(points, classifier.k, exclude=np.arange(len(points)))
    return confusion(targets[several], vote(targets[voters])[several], classifier.classes)


def spread_over_classes(order: np.ndarray, answers: Answers) -> list[int]:
    """The surest image of each class in turn, so that the page shows more than one class."""
    first = [int(order[answers.label[order] == label][0]) for label in np.unique(answers.label[order])]
    return sorted(first, key=lambda i: -answers.confidence[i])[:SHOWN]


def shown(i: int, dataset: Dataset, answers: Answers) -> Shown:
    """Image i with its answer and the labeled images that it rests on."""
    labeled = dataset.labeled[answers.neighbors[i]]
    return Shown(
        name=dataset.names[i],
        image=dataset.images[i],
        answer=dataset.classes[answers.label[i]],
        confidence=float(answers.confidence[i]),
        status=str(answers.status[i]),
        truth=dataset.classes[dataset.targets[i]] if dataset.targets[i] >= 0 else None,
        neighbors=tuple(
            Neighbor(dataset.names[j], dataset.images[j], dataset.classes[dataset.targets[j]], float(d))
            for j, d in zip(labeled, answers.distances[i], strict=True)
        ),
    )


def next_steps(path: Path) -> list[tuple[str, str]]:
    """Commands that people want next."""
    run = quote(str(path))
    return [
        (f"ilk predict {run} NEW_IMAGES", "answers for other images"),
        (f"ilk search {run} IMAGE.jpg", "the images most like one"),
        (f"ilk evaluate {run} LABELED_IMAGES", "the error on images that it did not learn from"),
    ]
