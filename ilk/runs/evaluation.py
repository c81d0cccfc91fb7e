"""The error of a run on labeled images that it did not learn from, beside that of bare pixels with the same labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
    reliability,
    wilson_interval,
)
from ilk.neighbors import Answers, NeighborIndex
from ilk.recipes import Space
from ilk.runs.events import Events
from ilk.shapes import Pixels, Targets
from ilk.storage.pixels import read_pixels
from ilk.storage.run import Run
from ilk.storage.tables import read_manifest

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
        page: where the report of it lies.
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
    page: Path

    @property
    def errors(self) -> int:
        """Wrong answers, 0 to n."""
        return int((self.answers.label != self.truth).sum())

    def as_json(self) -> dict[str, object]:
        """Everything as JSON can hold it; errors in percent, rows of the confusion are the truth."""
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
            "status": self.answers.status_counts(),
            "calibration_error": calibration_error(self.reliability()),
        }

    def reliability(self) -> tuple[Bin, ...]:
        """Confidence beside what holds, in bins."""
        return reliability(self.answers.confidence, self.answers.label == self.truth)

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


def evaluate(run: Run, space: Space, dataset: Dataset, split: str, events: Events) -> Evaluation:
    """Answer for every labeled image of the dataset that the run did not learn from, and compare.

    Raises:
        NoLabelsError: no image has a label, or all labels were learned from.
        DataError: no image of a class that the model knows.
    """
    learned, seen = learned_from(run)
    prints = fingerprints(dataset.images)
    files = [name.rsplit("/", 1)[-1] for name in dataset.names]
    learned_here = np.array([pair in learned for pair in zip(prints, files, strict=True)], dtype=bool)
    chosen = comparable(dataset, learned_here)
    classes, truth = in_model_classes(space, dataset, chosen)
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
        excluded=int(((dataset.targets >= 0) & learned_here).sum()),
        seen=sum(prints[i] in seen for i in chosen),
        copies=sum(prints[i] in learned_prints for i in chosen),
        pixel_errors=pixel_errors(read_pixels(run.labeled), space.classifier.targets, images, truth),
        page=run.evaluation,
    )


def comparable(dataset: Dataset, learned_here: np.ndarray) -> np.ndarray:
    """The positions of the images with a label that the run did not learn from.

    Raises:
        NoLabelsError: there is none.
    """
    labeled = dataset.targets >= 0
    if not labeled.any():
        raise NoLabelsError(f"{dataset.source}: no image has a label to compare with. `ilk predict` answers without.")
    chosen = np.flatnonzero(labeled & ~learned_here)
    if len(chosen) == 0:
        raise NoLabelsError(
            f"{dataset.source}: the run learned from all {int(labeled.sum()):,} labels; give other images."
        )
    return chosen


def in_model_classes(space: Space, dataset: Dataset, chosen: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """The names of all classes, those that the model does not know last, and the number of each chosen image's.

    Raises:
        DataError: the model knows none of them.
    """
    classes = space.classes + tuple(name for name in dataset.classes if name not in space.classes)
    place = {name: number for number, name in enumerate(classes)}
    numbers = np.array([place[name] for name in dataset.classes], dtype=np.int64)
    truth = numbers[dataset.targets[chosen]]
    if (truth >= len(space.classes)).all():
        raise DataError(f"{dataset.source}: {unknown_classes(dataset.classes, space.classes)}")
    return classes, truth


def unknown_classes(given: tuple[str, ...], known: tuple[str, ...]) -> str:
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


def learned_from(run: Run) -> tuple[set[tuple[str, str]], set[str]]:
    """What a run learned from: (fingerprint, file name) of its labeled images, fingerprints of the others.

    Raises:
        ModelError: manifest.csv is missing or damaged.
    """
    try:
        rows = read_manifest(run.manifest)
    except DataError as error:
        raise ModelError(
            f"{run.manifest} is missing or damaged, so what the run learned from is not known. Fit the run again."
        ) from error
    labeled = {(mark, name.rsplit("/", 1)[-1]) for name, label, mark in rows if label}
    return labeled, {mark for _, label, mark in rows if not label}


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
