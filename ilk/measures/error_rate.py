"""The fraction of wrong answers, and the interval in which the error of many more images lies."""

from __future__ import annotations

from functools import cache
from math import sqrt
from statistics import NormalDist

import numpy as np

from ilk.errors import ShapeError, UsageError


def error_rate(truth: np.ndarray, answer: np.ndarray) -> float:
    """The fraction of wrong answers; 0 is best, 1 − 1/C is chance on C balanced classes.

    Args:
        truth: shape (n,), class numbers, n at least 1.
        answer: shape (n,), class numbers.
    Raises:
        ShapeError: no answers, or not one per truth.
    """
    check_pairs(truth, answer)
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


def check_pairs(truth: np.ndarray, answer: np.ndarray) -> None:
    """Refuse with a ShapeError what is not one row of integers each, of the same length."""
    for what, numbers in (("truth", truth), ("answer", answer)):
        if not np.issubdtype(numbers.dtype, np.integer):
            raise ShapeError(f"{what} must hold integers, not {numbers.dtype}.")
    if truth.ndim != 1 or truth.shape != answer.shape:
        raise ShapeError(
            f"truth and answer must be one row each of the same length, not {truth.shape} and {answer.shape}."
        )
