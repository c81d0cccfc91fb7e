"""What the page of a run says: gathered from the data, the training, and the trained space."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from shlex import quote

import numpy as np

from ilk import __version__
from ilk.data import Dataset, picture_of
from ilk.data.summary import data_line, labels_line, skipped_lines
from ilk.maps import choose_landmarks, draw_map, fit_map
from ilk.measures import Confusion, confusion, most_frequent_mistakes, reliability
from ilk.neighbors import STATUSES, Answers, HeldOut, leave_one_out
from ilk.recipes import FitResult
from ilk.report import Card, ConfusedPair, Neighbor, ReportContent
from ilk.runs.recipe_options import share_of
from ilk.runs.request import Request
from ilk.storage.run import Run, read_config
from ilk.training import diagnose

SHOWN = 8
MISTAKES, PICTURES = 6, 4
LEAST_SURE = 40
MOST_REASONS = 8
SIDE = 160
"""Pixels of a picture's longer side on the page."""


def report_content(run: Run, request: Request, dataset: Dataset, fitted: FitResult, answers: Answers) -> ReportContent:
    """What the page says about this run."""
    classifier, last = fitted.space.classifier, fitted.history[-1]
    left = leave_one_out(classifier)
    truth = classifier.targets[left.positions]
    counts = confusion(truth, left.label, classifier.classes) if len(truth) else None
    unlabeled = np.flatnonzero(dataset.targets < 0)
    candidates = unlabeled if len(unlabeled) else np.arange(len(dataset))
    order = candidates[np.argsort(-answers.confidence[candidates], kind="stable")]
    alike = order[answers.status[order] != "unlike"]
    picture, note = map_of(fitted, dataset, request.settings.seed)
    return ReportContent(
        title=run.path.resolve().name,
        facts=facts_of(request, dataset, fitted),
        label_counts=dataset.counts(),
        statuses={status: int((answers.status == status).sum()) for status in STATUSES},
        history=fitted.history,
        warnings=diagnose(last, dataset.classes, int(last["largest_class"]), classifier.scale),
        confusion=counts,
        classes=dataset.classes,
        confused=() if counts is None else confused(counts, left, dataset),
        reliability=reliability(left.confidence, left.label == truth) if len(truth) else None,
        surest=[shown(int(i), dataset, answers) for i in spread_over_classes(alike, answers)],
        least_sure=[shown(int(i), dataset, answers) for i in order[::-1][:LEAST_SURE]],
        map=picture,
        map_note=note,
        map_alt=f"{len(dataset):,} images of {len(dataset.classes):,} classes as points",
        next_steps=next_steps(run.path),
        created=time.strftime("%Y-%m-%d %H:%M"),
        command=shlex.join(["ilk", *read_config(run)["command"]]),
        version=__version__,
    )


def facts_of(request: Request, dataset: Dataset, fitted: FitResult) -> list[tuple[str, str]]:
    """What went in and how it was trained, in the order of reading."""
    settings, classifier, last = request.settings, fitted.space.classifier, fitted.history[-1]
    height, width = dataset.images.shape[2:]
    return [
        ("Data", data_line(dataset).removeprefix("Data    ")),
        ("Labels", labels_line(dataset).removeprefix("Labels  ")),
        ("Images", f"{height}×{width} px, {'gray' if dataset.images.shape[1] == 1 else 'color'}"),
        *recipe_of(request, last["epoch"]),
        ("Network", f"{request.network}, {classifier.points.shape[1]} dimensions"),
        ("Training", f"{int(last['step']):,} steps, {last['epoch']:.1f} passes over the images, seed {settings.seed}"),
        ("Augmentation", settings.augment),
        ("Neighbors", f"k = {classifier.k}, chosen on the labels alone"),
        (
            "Status",
            f"sure from confidence {classifier.sure_from:g}; unlike beyond distance {classifier.unlike_beyond:.3g}; "
            "both provisional until someone has checked a sample",
        ),
        *(("Left out", line) for line in skipped_lines(dataset.skipped)[:MOST_REASONS]),
        *(("Note", note) for note in (*dataset.notes, *fitted.notes())),
    ]


def recipe_of(request: Request, epochs: float) -> list[tuple[str, str]]:
    """The published recipe that a run followed, and how far; nothing for the default."""
    share = share_of(request, epochs)
    return [("Recipe", f"{request.recipe}, {share}")] if share else []


def map_of(fitted: FitResult, dataset: Dataset, seed: int) -> tuple[bytes, str]:
    """The map of a run's landmarks as a PNG, each where `ilk map` shows it too, and its caption."""
    kept = choose_landmarks(len(dataset), dataset.labeled, seed)
    drawn = fit_map(fitted.points[kept], dataset.targets[kept] >= 0, seed)
    note = drawn.caption()
    if len(kept) < len(dataset):
        note = f"{len(kept):,} of the {len(dataset):,} images; `ilk map` shows all. {note}"
    return draw_map(drawn.positions, dataset.targets[kept], dataset.classes, pixels=1400), note


def confused(counts: Confusion, left: HeldOut, dataset: Dataset) -> list[ConfusedPair]:
    """The most frequent mistakes that the labeled images make about one another, each with some pictures."""
    truth = dataset.targets[dataset.labeled][left.positions]
    return [
        ConfusedPair(
            dataset.classes[mistake.truth],
            dataset.classes[mistake.answer],
            mistake.count,
            tuple(
                left_out(int(row), left, dataset)
                for row in np.flatnonzero((truth == mistake.truth) & (left.label == mistake.answer))[:PICTURES]
            ),
        )
        for mistake in most_frequent_mistakes(counts, MISTAKES)
    ]


def left_out(row: int, left: HeldOut, dataset: Dataset) -> Card:
    """A labeled image with the answer that the other labeled images give it."""
    labeled = dataset.labeled
    i = int(labeled[left.positions[row]])
    return Card(
        name=dataset.names[i],
        image=picture_of(dataset, i, SIDE),
        answer=dataset.classes[left.label[row]],
        confidence=float(left.confidence[row]),
        status="check",
        truth=dataset.classes[dataset.targets[i]],
        neighbors=near(labeled[left.neighbors[row]], left.distances[row], dataset),
    )


def spread_over_classes(order: np.ndarray, answers: Answers) -> list[int]:
    """The surest image of each class, so that the page shows more than one class; then the surest of the rest."""
    first = [int(order[answers.label[order] == label][0]) for label in np.unique(answers.label[order])]
    first = sorted(first, key=lambda i: -answers.confidence[i])[:SHOWN]
    return first + [int(i) for i in order if int(i) not in first][: SHOWN - len(first)]


def shown(i: int, dataset: Dataset, answers: Answers) -> Card:
    """Image i with its answer and the labeled images that it rests on."""
    return Card(
        name=dataset.names[i],
        image=picture_of(dataset, i, SIDE),
        answer=dataset.classes[answers.label[i]],
        confidence=float(answers.confidence[i]),
        status=str(answers.status[i]),
        truth=dataset.classes[dataset.targets[i]] if dataset.targets[i] >= 0 else None,
        neighbors=near(dataset.labeled[answers.neighbors[i]], answers.distances[i], dataset),
    )


def near(positions: np.ndarray, distances: np.ndarray, dataset: Dataset) -> tuple[Neighbor, ...]:
    """Labeled images by their positions in the dataset, with their distances."""
    return tuple(
        Neighbor(dataset.names[j], picture_of(dataset, int(j), SIDE), dataset.classes[dataset.targets[j]], float(d))
        for j, d in zip(positions, distances, strict=True)
    )


def next_steps(path: Path) -> list[tuple[str, str]]:
    """Commands that people want next."""
    run = quote(str(path))
    return [
        (f"ilk map {run}", "every image on a page to walk through"),
        (f"ilk predict {run} NEW_IMAGES", "answers for other images"),
        (f"ilk search {run} IMAGE.jpg", "the images most like one"),
        (f"ilk evaluate {run} LABELED_IMAGES", "the error on images that it did not learn from"),
    ]
