"""How good the answers are: the error with its interval, the confusion, and the figures of each class."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from jaxtyping import Int64

from ilk.errors import ShapeError, UsageError

Confusion = Int64[np.ndarray, "classes classes"]


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
    z = NormalDist().inv_cdf((1 + level) / 2)
    rate = errors / n
    center = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    # At the ends center and half are equal on paper; rounding must not leave 1e-17 there.
    return (0.0 if errors == 0 else center - half, 1.0 if errors == n else center + half)


def confusion(truth: np.ndarray, answer: np.ndarray, classes: int) -> Confusion:
    """How often each class (row) got each answer (column), in images; all off-diagonal counts are 0 at best.

    Args:
        truth: shape (n,), class numbers from 0 to classes − 1.
        answer: shape (n,), class numbers from 0 to classes − 1.
        classes: C, at least 1.
    Returns:
        shape (C, C), sums to n.
    Raises:
        ShapeError: arrays of different lengths, or a number that is no class.
    """
    _check_pairs(truth, answer)
    for what, numbers in (("truth", truth), ("answer", answer)):
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < classes:
            raise ShapeError(
                f"{what} must hold class numbers from 0 to {classes - 1}, not {numbers.min()} to {numbers.max()}."
            )
    pairs = truth.astype(np.int64) * classes + answer
    return np.bincount(pairs, minlength=classes * classes).astype(np.int64).reshape(classes, classes)


def class_report(truth: np.ndarray, answer: np.ndarray, classes: int) -> list[ClassReport]:
    """How each class fared, in the order of the class numbers; the arguments are those of `confusion()`."""
    table = confusion(truth, answer, classes)
    return [
        _one_class(n=int(table[c].sum()), answered=int(table[:, c].sum()), right=int(table[c, c]))
        for c in range(classes)
    ]


def _one_class(n: int, answered: int, right: int) -> ClassReport:
    return ClassReport(
        n=n,
        errors=n - right,
        error=(n - right) / n if n else None,
        interval=wilson_interval(n - right, n) if n else None,
        precision=right / answered if answered else None,
        recall=right / n if n else None,
    )


def _check_pairs(truth: np.ndarray, answer: np.ndarray) -> None:
    for what, numbers in (("truth", truth), ("answer", answer)):
        if not np.issubdtype(numbers.dtype, np.integer):
            raise ShapeError(f"{what} must hold integers, not {numbers.dtype}.")
    if truth.ndim != 1 or truth.shape != answer.shape:
        raise ShapeError(
            f"truth and answer must be one row each of the same length, not {truth.shape} and {answer.shape}."
        )
