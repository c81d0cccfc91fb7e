"""Which classes are taken for which, and how each class fared; kept as the pairs that occur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from ilk.errors import ShapeError, UsageError
from ilk.measures.error_rate import check_pairs, wilson_interval

Counts = Int64[np.ndarray, "pairs"]
ConfusionMatrix = Int64[np.ndarray, "classes classes"]

MOST_DENSE_CLASSES = 1000
"""A confusion matrix of more classes is not formed: it would be nearly empty, and of 100,000 classes take 80 GB."""


@dataclass(frozen=True)
class ClassReport:
    """How one class fared; fractions from 0 to 1, None where there is nothing to divide by.

    Args:
        n: images of the class.
        errors: how many of them got another answer.
        error: errors / n.
        interval: the 95% Wilson interval of the error.
        precision: of the images answered with this class, the fraction that is of it; 1 is best.
        recall: of the images of this class, the fraction answered with it, 1 − error.
    """

    n: int
    errors: int
    error: float | None
    interval: tuple[float, float] | None
    precision: float | None
    recall: float | None


@dataclass(frozen=True, eq=False)
class Confusion:
    """How often each class got each answer, as the pairs that occur: at most one per image, however many the classes.

    Args:
        classes: C, how many classes there are.
        truth: shape (pairs,), class numbers, ascending.
        answer: shape (pairs,), class numbers, ascending among pairs of equal truth.
        count: shape (pairs,), images of class `truth` that were answered with `answer`, at least 1.
    """

    classes: int
    truth: Counts
    answer: Counts
    count: Counts

    @classmethod
    def from_dense(cls, matrix: ConfusionMatrix) -> Confusion:
        """The pairs of a confusion matrix; rows are the truth, columns the answers."""
        truth, answer = np.nonzero(matrix)
        return cls(len(matrix), truth, answer, matrix[truth, answer])

    @property
    def shape(self) -> tuple[int, int]:
        """(C, C), the shape of the matrix."""
        return self.classes, self.classes

    @property
    def total(self) -> int:
        """How many images were answered."""
        return int(self.count.sum())

    @property
    def right(self) -> int:
        """How many images were answered with their own class: the trace of the matrix."""
        return int(self.count[self.truth == self.answer].sum())

    @property
    def confused_pairs(self) -> int:
        """How many different mistakes occur; 0 where all answers are right."""
        return int((self.truth != self.answer).sum())

    def of_class(self, truth: int) -> Confusion:
        """The answers for the images of one class: a row of the matrix."""
        row = slice(*np.searchsorted(self.truth, [truth, truth + 1]))
        return Confusion(self.classes, self.truth[row], self.answer[row], self.count[row])

    def images_per_class(self) -> Int64[np.ndarray, "classes"]:
        """How many images each class has: the sums of the rows."""
        return _sums(self.truth, self.count, self.classes)

    def answers_per_class(self) -> Int64[np.ndarray, "classes"]:
        """How many images were answered with each class: the sums of the columns."""
        return _sums(self.answer, self.count, self.classes)

    def dense(self) -> ConfusionMatrix:
        """The confusion matrix, shape (C, C): rows are the truth, columns the answers.

        Raises:
            UsageError: more than MOST_DENSE_CLASSES classes.
        """
        if self.classes > MOST_DENSE_CLASSES:
            raise UsageError(
                f"A confusion matrix of {self.classes:,} classes is too large: {MOST_DENSE_CLASSES:,} are allowed. "
                "Use the pairs instead: truth, answer and count."
            )
        matrix = np.zeros(self.shape, dtype=np.int64)
        matrix[self.truth, self.answer] = self.count
        return matrix

    def as_json(self) -> list[list[int]] | list[dict[str, int]]:
        """The rows of the matrix; of more than MOST_DENSE_CLASSES classes the pairs that occur, each an object.

        Such an object is {"truth": class number, "answer": class number, "count": images}.
        """
        if self.classes <= MOST_DENSE_CLASSES:
            return self.dense().tolist()
        columns = (self.truth.tolist(), self.answer.tolist(), self.count.tolist())
        return [{"truth": t, "answer": a, "count": n} for t, a, n in zip(*columns, strict=True)]


@dataclass(frozen=True)
class Mistake:
    """One wrong answer that was given: `count` images of class number `truth` were answered with `answer`."""

    truth: int
    answer: int
    count: int


def confusion(truth: np.ndarray, answer: np.ndarray, classes: int) -> Confusion:
    """How often each class got each answer, in images; no two classes form a pair at best.

    Args:
        truth: shape (n,), class numbers from 0 to classes − 1.
        answer: shape (n,), class numbers from 0 to classes − 1.
        classes: C, at least 1.
    Returns:
        the pairs that occur; their counts sum to n. Time n log n and memory n, whatever C is.
    Raises:
        ShapeError: arrays of different lengths, or a number that is no class.
    """
    check_pairs(truth, answer)
    for what, numbers in (("truth", truth), ("answer", answer)):
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < classes:
            raise ShapeError(
                f"{what} must hold class numbers from 0 to {classes - 1}, not {numbers.min()} to {numbers.max()}."
            )
    pairs, counts = np.unique(truth.astype(np.int64) * classes + answer, return_counts=True)
    return Confusion(classes, pairs // classes, pairs % classes, counts.astype(np.int64))


def class_report(truth: np.ndarray, answer: np.ndarray, classes: int) -> list[ClassReport]:
    """How each class fared, in the order of the class numbers; the arguments are those of `confusion()`."""
    table = confusion(truth, answer, classes)
    own = table.truth == table.answer
    right = _sums(table.truth[own], table.count[own], classes)
    columns = (table.images_per_class(), table.answers_per_class(), right)
    return [_one_class(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def most_frequent_mistakes(counts: Confusion, most: int | None = None) -> tuple[Mistake, ...]:
    """The wrong answers of a confusion, the most frequent first, equal ones by class number; none where all are right.

    Args:
        counts: from `confusion()`.
        most: how many to return at most; all of them if None.
    """
    wrong = np.flatnonzero(counts.truth != counts.answer)
    order = wrong[np.argsort(-counts.count[wrong], kind="stable")[:most]]
    columns = (column[order].tolist() for column in (counts.truth, counts.answer, counts.count))
    return tuple(Mistake(*row) for row in zip(*columns, strict=True))


def _one_class(n: int, answered: int, right: int) -> ClassReport:
    return ClassReport(
        n=n,
        errors=n - right,
        error=(n - right) / n if n else None,
        interval=wilson_interval(n - right, n) if n else None,
        precision=right / answered if answered else None,
        recall=right / n if n else None,
    )


def _sums(numbers: Counts, counts: Counts, classes: int) -> Int64[np.ndarray, "classes"]:
    """The sum of the counts of each class number."""
    sums = np.zeros(classes, dtype=np.int64)
    np.add.at(sums, numbers, counts)
    return sums
