"""Gather the report of a run from its data, its training, and its trained space."""

from __future__ import annotations

import time
from pathlib import Path
from shlex import quote

import numpy as np

from ilk import __version__
from ilk.data import Dataset
from ilk.data.summary import data_line, labels_line, skipped_lines
from ilk.maps import choose_landmarks, draw_map, fit_map
from ilk.measures import confusion, reliability
from ilk.neighbors import Answers, leave_one_out
from ilk.recipes import FitResult
from ilk.report import ReportContent
from ilk.report.limits import MOST_CARDS, MOST_TO_LABEL
from ilk.runs.cards import answer_card, command_line, confused_pairs, held_out_card
from ilk.runs.recipe_options import share_of_schedule
from ilk.runs.resolve import Plan
from ilk.storage.run import Run, read_config
from ilk.training import diagnose

MOST_REASONS = 8


def report_content(run: Run, plan: Plan, dataset: Dataset, fitted: FitResult, answers: Answers) -> ReportContent:
    """What the page says about this run."""
    classifier, last = fitted.space.classifier, fitted.history[-1]
    held_out = leave_one_out(classifier)
    truth = classifier.targets[held_out.positions]
    counts = confusion(truth, held_out.label, classifier.classes) if len(truth) else None
    unlabeled = np.flatnonzero(dataset.targets < 0)
    candidates = unlabeled if len(unlabeled) else np.arange(len(dataset))
    order = candidates[np.argsort(-answers.confidence[candidates], kind="stable")]
    similar = order[answers.status[order] != "unlike"]
    picture, note = map_of(fitted, dataset, plan.settings.seed)
    return ReportContent(
        title=run.path.resolve().name,
        facts=facts_of(plan, dataset, fitted),
        label_counts=dataset.counts(),
        statuses=answers.status_counts(),
        history=fitted.history,
        curves=fitted.curves,
        warnings=diagnose(last, dataset.classes, int(last["largest_class"]), classifier.scale),
        confusion=counts,
        classes=dataset.classes,
        confused=()
        if counts is None
        else confused_pairs(
            counts, truth, held_out.label, dataset.classes, lambda row: held_out_card(row, held_out, dataset)
        ),
        reliability=reliability(held_out.confidence, held_out.label == truth) if len(truth) else None,
        surest=[answer_card(int(i), dataset, answers) for i in spread_over_classes(similar, answers)],
        least_sure=[answer_card(int(i), dataset, answers) for i in order[::-1][:MOST_TO_LABEL]],
        map=picture,
        map_note=note,
        map_alt=f"{len(dataset):,} images of {len(dataset.classes):,} classes as points",
        next_steps=next_steps(run.path),
        created=time.strftime("%Y-%m-%d %H:%M"),
        command=command_line(read_config(run)["command"]),
        version=__version__,
    )


def facts_of(plan: Plan, dataset: Dataset, fitted: FitResult) -> list[tuple[str, str]]:
    """What went in and how it was trained, in the order of reading."""
    settings, classifier, last = plan.settings, fitted.space.classifier, fitted.history[-1]
    height, width = dataset.images.shape[2:]
    return [
        ("Data", data_line(dataset).removeprefix("Data    ")),
        ("Labels", labels_line(dataset).removeprefix("Labels  ")),
        ("Images", f"{height}×{width} px, {'gray' if dataset.images.shape[1] == 1 else 'color'}"),
        *recipe_of(plan, last["epoch"]),
        ("Network", f"{plan.request.network}, {classifier.points.shape[1]} dimensions"),
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


def recipe_of(plan: Plan, epochs: float) -> list[tuple[str, str]]:
    """The published recipe that a run followed, and how far; nothing for the default."""
    share = share_of_schedule(plan.request, epochs)
    return [("Recipe", f"{plan.request.recipe}, {share}")] if share else []


def map_of(fitted: FitResult, dataset: Dataset, seed: int) -> tuple[bytes, str]:
    """The map of a run's landmarks as a PNG, each where `ilk map` shows it too, and its caption."""
    kept = choose_landmarks(len(dataset), dataset.labeled, seed)
    drawn = fit_map(fitted.points[kept], dataset.targets[kept] >= 0, seed)
    note = drawn.caption()
    if len(kept) < len(dataset):
        note = f"{len(kept):,} of the {len(dataset):,} images; `ilk map` shows all. {note}"
    return draw_map(drawn.positions, dataset.targets[kept], dataset.classes, pixels=1400), note


def spread_over_classes(order: np.ndarray, answers: Answers) -> list[int]:
    """The surest image of each class, so that the page shows more than one class; then the surest of the rest."""
    first = [int(order[answers.label[order] == label][0]) for label in np.unique(answers.label[order])]
    first = sorted(first, key=lambda i: -answers.confidence[i])[:MOST_CARDS]
    return first + [int(i) for i in order if int(i) not in first][: MOST_CARDS - len(first)]


def next_steps(path: Path) -> list[tuple[str, str]]:
    """Commands that people want next."""
    run = quote(str(path))
    return [
        (f"ilk map {run}", "every image on a page to walk through"),
        (f"ilk predict {run} NEW_IMAGES", "answers for other images"),
        (f"ilk search {run} IMAGE.jpg", "the images most like one"),
        (f"ilk evaluate {run} LABELED_IMAGES", "the error on images that it did not learn from"),
    ]
