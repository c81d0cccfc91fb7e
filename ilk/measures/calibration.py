"""Whether a confidence holds: accuracy beside confidence, in bins, and the calibration error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from ilk.errors import ShapeError, UsageError
from ilk.measures.error_rate import wilson_interval

Fractions = Float[np.ndarray, "answers"]
Hits = Bool[np.ndarray, "answers"]


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence lies above `low` and up to `high`; all fractions from 0 to 1.

    Args:
        low: where the bin begins; the first one holds a confidence of 0, too.
        high: where it ends.
        n: how many answers, at least 1.
        confidence: their mean confidence.
        accuracy: the fraction of them that is right.
        interval: the 95% Wilson interval of the accuracy.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    interval: tuple[float, float]


def reliability(confidence: Fractions, right: Hits, bins: int = 10) -> tuple[Bin, ...]:
    """A reliability diagram: the answers in bins of similar confidence, with mean confidence and accuracy of each.

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
    """How far confidence and accuracy lie apart, averaged over all answers, as a fraction; 0 is best, 1 is worst.

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
