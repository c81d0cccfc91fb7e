"""How good a run's answers are on labeled images, beside the same labels used on bare pixels."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int64, UInt8

from ilk.data import Dataset
from ilk.data.fingerprints import fingerprints
from ilk.errors import DataError, ModelError, NoLabelsError
from ilk.measures import (
    Bin,
    calibration_error,
    class_report,
    confusion,
    most_frequent_mistakes,
    reliability,
    wilson_interval,
)
from ilk.neighbors import STATUSES, Answers, NeighborIndex
from ilk.recipes import Space
from ilk.runs.events import Events
from ilk.shapes import Pixels, Targets
from ilk.storage.pixels import read_pixels
from ilk.storage.run import Run

BLOCK = 2000


@dataclass(frozen=True)
class Evaluation:
    """The error of a run on n labeled images that it did not learn from.

    Args:
        split: the part of the data, for the words.
        positions: shape (n,), which images of the data they are.
        truth: shape (n,), class numbers.
        answers: of the run.
        classes: the names, those that the model does not know last.
        known: how many of the classes the model knows.
        labels: how many labels the model learned from.
        excluded: images left out because their labels were learned from.
        seen: how many of the n were among the unlabeled images of the training.
        copies: how many of the n equal a labeled training image under another name.
        pixel_errors: wrong answers of 1-NN on pixels with the same labels; None where pixels were not kept.
    """

    split: str
    positions: Int64[np.ndarray, "n"]
    truth: Targets
    answers: Answers
    classes: tuple[str, ...]
    known: int
    labels: int
    excluded: int
    seen: int
    copies: int
    pixel_errors: int | None
    errors: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "errors", int((self.answers.label != self.truth).sum()))

    def as_json(self) -> dict[str, object]:
        """Everything as JSON can hold it; errors in percent, the confusion as `Confusion.as_json()` has it."""
        n = len(self.truth)
        reports = class_report(self.truth, self.answers.label, len(self.classes))
        return {
            "error_percent": 100 * self.errors / n,
            "n": n,
            "interval_95": [100 * end for end in wilson_interval(self.errors, n)],
            "errors": self.errors,
            "pixel_error_percent": None if self.pixel_errors is None else 100 * self.pixel_errors / n,
            "split": self.split,
            "excluded": self.excluded,
            "seen_unlabeled": self.seen,
            "copies": self.copies,
            "classes": [
                {
                    "class": name,
                    "n": report.n,
                    "error_percent": None if report.error is None else 100 * report.error,
                    "interval_95": None if report.interval is None else [100 * end for end in report.interval],
                    "precision_percent": None if report.precision is None else 100 * report.precision,
                }
                for name, report in zip(self.classes, reports, strict=True)
            ],
            "confusion": confusion(self.truth, self.answers.label, len(self.classes)).as_json(),
            "status": {status: int((self.answers.status == status).sum()) for status in STATUSES},
            "calibration_error": calibration_error(self.reliability()),
        }

    def lines(self, most_classes: int) -> list[str]:
        """The same for people; the error comes last."""
        n = len(self.truth)
        low, high = wilson_interval(self.errors, n)
        lines = [*self._class_lines(most_classes), *self._status_lines(), *(f"Note    {note}" for note in self.notes())]
        if self.pixel_errors is not None:
            lines.append(f"Floor   {self.pixel_errors / n:.2%}  1-NN on pixels with the same {self.labels:,} labels")
        lines.append(
            f"Error   {self.errors / n:.2%}  ({self.errors:,} of {n:,}, 95% interval {low:.2%} to {high:.2%}), "
            f"{'all' if self.split == 'all' else self.split} images"
        )
        return lines

    def _class_lines(self, most: int) -> list[str]:
        reports = class_report(self.truth, self.answers.label, len(self.classes))
        table = confusion(self.truth, self.answers.label, len(self.classes))
        worst = sorted((c for c, r in enumerate(reports) if r.n), key=lambda c: -(reports[c].error or 0))
        width = max(len(self.classes[c]) for c in worst[:most])
        lines = [f"Class   {'':<{width}}       n   error   95% interval    most often taken for"]
        for c in worst[:most]:
            report = reports[c]
            low, high = report.interval or (0.0, 1.0)
            mistakes = most_frequent_mistakes(table.of_class(c), 1)
            wrong = "".join(f"{self.classes[mistake.answer]} ({mistake.count:,})" for mistake in mistakes)
            figures = f"{report.n:7,} {report.error or 0:7.2%}  {low:6.2%} to {high:6.2%}"
            lines.append(f"        {self.classes[c]:<{width}} {figures}   {wrong}".rstrip())
        if len(worst) > most:
            lines.append(f"        and {len(worst) - most:,} classes with fewer errors; --json lists all")
        return lines

    def reliability(self) -> tuple[Bin, ...]:
        """Confidence beside what holds, in bins."""
        return reliability(self.answers.confidence, self.answers.label == self.truth)

    def _status_lines(self) -> list[str]:
        wrong = self.answers.label != self.truth
        parts = []
        for status in STATUSES:
            those = self.answers.status == status
            if those.any():
                parts.append(f"{int(those.sum()):,} {status} ({wrong[those].mean():.2%} wrong)")
        claimed, held = self.answers.confidence.mean(), 1 - self.errors / len(self.truth)
        return [
            "Status  " + " · ".join(parts),
            f"Trust   the answers claim {claimed:.1%} on average, and {held:.1%} hold; claim and truth lie "
            f"{100 * calibration_error(self.reliability()):.1f} points apart (calibration error)",
        ]

    def notes(self) -> list[str]:
        """What to know beside the figure, a sentence each."""
        notes = []
        if len(self.classes) > self.known:
            unknown = int((self.truth >= self.known).sum())
            notes.append(
                f"{unknown:,} images count as wrong: the model has no class {named(self.classes[self.known :])}"
            )
        if self.excluded:
            notes.append(f"{self.excluded:,} images left out: the run learned from their labels")
        if self.seen:
            notes.append(f"{self.seen:,} of these images were in the training, without their labels")
        if self.copies:
            notes.append(f"{self.copies:,} of these images equal labeled training images: they flatter the figure")
        return notes


def judge(run: Run, space: Space, dataset: Dataset, split: str, events: Events) -> Evaluation:
    """Answer for every labeled image of the dataset that the run did not learn from, and compare.

    Raises:
        NoLabelsError: no image has a label, or all labels were learned from.
    """
    learned, seen = read_manifest(run)
    prints = fingerprints(dataset.images)
    files = [name.rsplit("/", 1)[-1] for name in dataset.names]
    learned_here = np.array([(p, f) in learned for p, f in zip(prints, files, strict=True)], dtype=bool)
    labeled = dataset.targets >= 0
    if not labeled.any():
        raise NoLabelsError(f"{dataset.source}: no image has a label to compare with. `ilk predict` answers without.")
    chosen = np.flatnonzero(labeled & ~learned_here)
    if len(chosen) == 0:
        raise NoLabelsError(
            f"{dataset.source}: the run learned from all {int(labeled.sum()):,} labels; give other images."
        )

    classes = space.classes + tuple(name for name in dataset.classes if name not in space.classes)
    numbers = np.array([classes.index(name) for name in dataset.classes], dtype=np.int64)
    truth = numbers[dataset.targets[chosen]]
    if (truth >= len(space.classes)).all():
        raise DataError(f"{dataset.source}: {_strangers(dataset.classes, space.classes)}")
    images = dataset.images[chosen]
    with events.progress("Embed") as update:
        answers = space.classifier.predict(space.embed(images, update))
    learned_prints = {fingerprint for fingerprint, _ in learned}
    return Evaluation(
        split=split,
        positions=chosen,
        truth=truth,
        answers=answers,
        classes=classes,
        known=len(space.classes),
        labels=len(space.classifier.targets),
        excluded=int((labeled & learned_here).sum()),
        seen=sum(prints[i] in seen for i in chosen),
        copies=sum(prints[i] in learned_prints for i in chosen),
        pixel_errors=pixel_errors(read_pixels(run.labeled), space.classifier.targets, images, truth),
    )


def _strangers(given: tuple[str, ...], known: tuple[str, ...]) -> str:
    """Why no image is left that the model could answer rightly, and what to do."""
    if set(given) & set(known):
        return (
            f"the run learned from every image of the classes that it knows ({named(tuple(set(given) & set(known)))}), "
            "and the others are of no class of this model. Give labeled images that it did not learn from."
        )
    cased = {name.casefold(): name for name in known}
    near = next(((name, cased[name.casefold()]) for name in given if name.casefold() in cased), None)
    hint = f" Write {near[1]!r}, not {near[0]!r}." if near else ""
    return (
        f"none of its labels ({named(given)}) is a class of this model ({named(known)}). "
        f"Give labels in the model's words.{hint}"
    )


def named(classes: tuple[str, ...]) -> str:
    """The first few of some class names."""
    return ", ".join(classes[:5]) + (", …" if len(classes) > 5 else "")


def read_manifest(run: Run) -> tuple[set[tuple[str, str]], set[str]]:
    """What a run learned from: (fingerprint, file name) of its labeled images, fingerprints of the others.

    Raises:
        ModelError: manifest.csv is missing or damaged.
    """
    try:
        with run.manifest.open(encoding="utf-8", newline="") as file:
            rows = [
                (row["filename"].rsplit("/", 1)[-1], row["label"], row["fingerprint"]) for row in csv.DictReader(file)
            ]
    except (OSError, KeyError, AttributeError, UnicodeDecodeError, csv.Error) as error:
        raise ModelError(
            f"{run.manifest} is missing or damaged, so what the run learned from is not known. Fit the run again."
        ) from error
    return {(mark, name) for name, label, mark in rows if label}, {mark for _, label, mark in rows if not label}


def pixel_errors(
    labeled: Pixels | None,
    targets: Targets,
    images: UInt8[np.ndarray, "queries channels height width"],
    truth: Int64[np.ndarray, "queries"],
) -> int | None:
    """Wrong answers of the nearest labeled image by pixels, which any trained space should beat."""
    if labeled is None:
        return None
    index = NeighborIndex(labeled.reshape(len(labeled), -1).astype(np.float32))
    errors = 0
    for start in range(0, len(images), BLOCK):
        block = images[start : start + BLOCK].reshape(-1, labeled[0].size).astype(np.float32)
        _, nearest = index.search(block, 1)
        errors += int((targets[nearest[:, 0]] != truth[start : start + BLOCK]).sum())
    return errors
