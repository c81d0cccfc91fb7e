from __future__ import annotations

import numpy as np
import pytest

from ilk.errors import ShapeError, UsageError
from ilk.measures import calibration_error, reliability, wilson_interval


def test_reliability_is_the_plain_loop():
    rng = np.random.default_rng(0)
    confidence, right = rng.random(300) ** 0.5, rng.random(300) < 0.7
    bins = reliability(confidence, right, bins=7)
    assert sum(each.n for each in bins) == 300
    for each in bins:
        inside = [i for i in range(300) if each.low < confidence[i] <= each.high]
        hits = sum(bool(right[i]) for i in inside)
        assert each.high - each.low == pytest.approx(1 / 7)
        assert each.n == len(inside)
        assert each.confidence == pytest.approx(sum(confidence[i] for i in inside) / len(inside))
        assert each.accuracy == hits / len(inside)
        assert each.interval == wilson_interval(hits, len(inside))
    gaps = [abs(sum(right[i] - confidence[i] for i in range(300) if b.low < confidence[i] <= b.high)) for b in bins]
    assert calibration_error(bins) == pytest.approx(sum(gaps) / 300)


def test_a_confidence_on_the_border_belongs_to_the_lower_bin():
    for tenth in range(1, 11):
        (only,) = reliability(np.array([tenth / 10]), np.array([True]))
        assert (only.low, only.high) == ((tenth - 1) / 10, tenth / 10)
    (first,) = reliability(np.array([0.0]), np.array([False]))
    assert (first.low, first.high) == (0.0, 0.1)


def test_calibration_error_at_its_ends():
    sure = np.ones(10)
    assert calibration_error(reliability(sure, np.ones(10, dtype=bool))) == 0.0
    assert calibration_error(reliability(sure, np.zeros(10, dtype=bool))) == 1.0
    half = np.arange(10) < 5
    assert calibration_error(reliability(np.full(10, 0.5), half)) == 0.0
    with pytest.raises(ShapeError, match="at least one"):
        calibration_error(reliability(np.array([]), np.array([], dtype=bool)))


@pytest.mark.parametrize(("confidence", "bins"), [([1.1, 0], 10), ([-0.1, 0], 10), ([np.nan, 0], 10), ([0.5, 1], 0)])
def test_refuses_confidences_that_are_none(confidence, bins):
    with pytest.raises(UsageError):
        reliability(np.array(confidence, dtype=float), np.array([True, False]), bins)
