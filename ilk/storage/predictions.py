"""The table of predictions: one row for each image, with its answer and the evidence for it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, runtime_checkable

import numpy as np

from ilk.errors import DataError, ShapeError
from ilk.shapes import EVIDENCE
from ilk.storage.files import write_csv

BEGIN = b"filename,label,confidence,status"
"""How the file begins."""


@runtime_checkable
class AnswersLike(Protocol):
    """What `write_predictions` reads: `ilk.neighbors.Answers`, or anything with these arrays, one row per image."""

    @property
    def label(self) -> np.ndarray:
        """Shape (n,), positions in the class names."""

    @property
    def confidence(self) -> np.ndarray:
        """Shape (n,), 0 to 1."""

    @property
    def status(self) -> np.ndarray:
        """Shape (n,), words."""

    @property
    def neighbors(self) -> np.ndarray:
        """Shape (n, m), positions among the labeled images."""

    @property
    def distances(self) -> np.ndarray:
        """Shape (n, m), of those neighbors."""


def write_predictions(
    path: Path,
    names: Sequence[str],
    answers: AnswersLike,
    classes: Sequence[str],
    reference_names: Sequence[str],
) -> None:
    """One CSV row per image: filename, label, confidence, status, and the three nearest labeled images with distances.

    Args:
        path: replaced at once.
        names: n names of images, in the order of the answers.
        answers: n rows; with fewer than three neighbors the other cells stay empty.
        classes: the class names, by number.
        reference_names: the names of the labeled images, by position.
    Raises:
        ShapeError: not one answer per name.
        ResourceError: the disk is full.
    """
    if len(answers.label) != len(names):
        raise ShapeError(f"There are {len(names)} names, but {len(answers.label)} answers.")
    header = ["filename", "label", "confidence", "status"]
    for rank in range(1, EVIDENCE + 1):
        header += [f"neighbor_{rank}", f"distance_{rank}"]
    write_csv(path, header, _prediction_rows(names, answers, classes, reference_names))


def _prediction_rows(
    names: Sequence[str], answers: AnswersLike, classes: Sequence[str], reference_names: Sequence[str]
) -> Iterable[list[str]]:
    for i, name in enumerate(names):
        row = [name, classes[answers.label[i]], f"{answers.confidence[i]:.6f}", str(answers.status[i])]
        near = zip(answers.neighbors[i, :EVIDENCE], answers.distances[i, :EVIDENCE], strict=True)
        for position, distance in near:
            row += [reference_names[position], f"{distance:.6g}"]
        yield row + [""] * (4 + 2 * EVIDENCE - len(row))


@dataclass(frozen=True)
class PredictionRow:
    """One row of a predictions table; the nearest labeled images by name, "" where there were fewer."""

    filename: str
    label: str
    confidence: float
    status: str
    neighbors: tuple[str, ...]
    distances: tuple[float, ...]


def read_predictions(path: Path) -> Iterator[PredictionRow]:
    """The rows of a table that `write_predictions()` wrote, one at a time.

    Raises:
        DataError: there is no such file, or it is no such table.
    """
    ranks = range(1, EVIDENCE + 1)
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            for row in _rows(file):
                yield PredictionRow(
                    filename=row["filename"],
                    label=row["label"],
                    confidence=float(row["confidence"]),
                    status=row["status"],
                    neighbors=tuple(row[f"neighbor_{rank}"] for rank in ranks),
                    distances=tuple(float(row[f"distance_{rank}"] or 0) for rank in ranks),
                )
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise DataError(f"{path} is no table of predictions: {error}.") from error


def read_labels(path: Path) -> dict[str, str]:
    """The label of each image in a predictions.csv, by file name.

    Raises:
        DataError: there is no such file, or it is no such table.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["filename"]: row["label"] for row in _rows(file)}
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise DataError(f"{path} is damaged, or no table of predictions: {error}. Write it again.") from error


def _rows(file: IO[str]) -> csv.DictReader[str]:
    reader = csv.DictReader(file)
    if not reader.fieldnames:
        raise ValueError("it is empty")
    return reader
