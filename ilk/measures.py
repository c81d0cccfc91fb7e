"""How good the answers are: error with its interval, confusion, figures per class, and whether confidence holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Float, Int64

from ilk.errors import ShapeError, UsageError

Counts = Int64[np.ndarray, "pairs"]
ConfusionMatrix = Int64[np.ndarray, "classes classes"]
Fractions = Float[np.ndarray, "answers"]
Hits = Bool[np.ndarray, "answers"]

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


@dataclass(frozen=True)
class Mistake:
    """One wrong answer that was given: `count` images of class number `truth` were answered with `answer`."""

    truth: int
    answer: int
    count: int


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence lies above `low` and up to `high`; all fractions from 0 to 1.

    Args:
        low: where the bin begins; the first one holds a confidence of 0, too.
        high: where it ends.
        n: how many answers, at least 1.
        confidence: their mean confidence: what they claim.
        accuracy: the fraction of them that is right: what holds.
        interval: the 95% Wilson interval of the accuracy.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    interval: tuple[float, float]


def error_rate(truth: np.ndarray, answer: np.ndarray) -> float:
    """The fraction of wrong answers; 0 is best, 1 − 1/C is chance on C balanced classes.

    Args:
        truth: shape (n,), class numbers, n at least 1.
        answer: shape (n,), class numbers.
    Raises:
        ShapeError: no answers, or not one per truth.
    """
    _check_pairs(truth, answer)
    if len(truth) == 0:
        raise ShapeError("An error rate needs at least one answer.")
    return float(np.mean(truth != answer))


def wilson_interval(errors: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Where the error of many more images lies at this level, as two fractions from 0 to 1.

    Args:
        errors: wrong answers, 0 to n.
        n: answers, at least 1.
        level: confidence level, between 0 and 1.
    Returns:
        the low and the high end; low is 0.0 at no error, high is 1.0 at n errors.
    Raises:
        UsageError: a number out of its range.
    Source:
        Wilson 1927, "Probable inference, the law of succession, and statistical inference"; no continuity correction.
    """
    if not (n >= 1 and 0 <= errors <= n and 0 < level < 1):
        raise UsageError(f"An interval needs 0 ≤ errors ≤ n, n ≥ 1 and 0 < level < 1, not {errors}, {n} and {level}.")
    z = _normal_quantile((1 + level) / 2)
    rate = errors / n
    center = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    # At the ends center and half are equal on paper; rounding must not leave 1e-17 there.
    return (0.0 if errors == 0 else center - half, 1.0 if errors == n else center + half)


@cache
def _normal_quantile(fraction: float) -> float:
    return NormalDist().inv_cdf(fraction)


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
    _check_pairs(truth, answer)
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


def reliability(confidence: Fractions, right: Hits, bins: int = 10) -> tuple[Bin, ...]:
    """Whether confidence can be believed: the answers in bins of like confidence, with what they claim and what holds.

    Args:
        confidence: shape (n,), 0 to 1.
        right: shape (n,), True where the answer is the truth.
        bins: how many of equal width, at least 1.
    Returns:
        the bins that hold an answer, the least sure first; in each, confidence equals accuracy at best.
    Raises:
        ShapeError: not one `right` per confidence.
        UsageError: a confidence outside 0 to 1, or no bin.
    Source:
        Guo, Pleiss, Sun & Weinberger 2017, arXiv:1706.04599, section 2. Differs: with Wilson intervals.
    """
    if confidence.shape != right.shape:
        raise ShapeError(f"Each confidence needs its outcome, but there are {len(confidence)} and {len(right)}.")
    if bins < 1:
        raise UsageError(f"bins must be at least 1, not {bins}.")
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise UsageError("A confidence must be a number from 0 to 1, but one of them is not.")
    numbers = np.searchsorted(np.arange(1, bins) / bins, confidence, side="left")
    return tuple(
        _one_bin(number / bins, (number + 1) / bins, confidence[numbers == number], right[numbers == number])
        for number in np.unique(numbers).tolist()
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """How far claim and truth lie apart, averaged over all answers, as a fraction; 0 is best, 1 is worst.

    Args:
        bins: from `reliability()`; fewer bins hide more.
    Raises:
        ShapeError: no bin.
    Source:
        Naeini, Cooper & Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning", the
        expected calibration error; in the notation of Guo et al. 2017, arXiv:1706.04599, eq. 3.
    """
    total = sum(each.n for each in bins)
    if total == 0:
        raise ShapeError("A calibration error needs at least one answer.")
    return sum(each.n * abs(each.accuracy - each.confidence) for each in bins) / total


def _one_bin(low: float, high: float, confidence: Fractions, right: Hits) -> Bin:
    n, hits = len(right), int(right.sum())
    return Bin(low, high, n, float(confidence.mean(dtype=np.float64)), hits / n, wilson_interval(hits, n))


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


def _check_pairs(truth: np.ndarray, answer: np.ndarray) -> None:
    for what, numbers in (("truth", truth), ("answer", answer)):
        if not np.issubdtype(numbers.dtype, np.integer):
            raise ShapeError(f"{what} must hold integers, not {numbers.dtype}.")
    if truth.ndim != 1 or truth.shape != answer.shape:
        raise ShapeError(
            f"truth and answer must be one row each of the same length, not {truth.shape} and {answer.shape}."
        )
