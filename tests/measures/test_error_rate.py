from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from ilk.errors import ShapeError, UsageError
from ilk.measures import error_rate, wilson_interval


@pytest.mark.parametrize(
    ("errors", "n", "low", "high"),
    [
        # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_the_published_one(errors, n, low, high):
    assert wilson_interval(errors, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize(("errors", "n"), [(3, 10), (1, 1000), (999, 1000)])
def test_the_ends_of_the_interval_are_where_the_score_test_just_accepts(errors, n, level):
    z = NormalDist().inv_cdf((1 + level) / 2)
    for p in wilson_interval(errors, n, level):
        assert abs(errors / n - p) == pytest.approx(z * (p * (1 - p) / n) ** 0.5, rel=1e-9)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
def test_the_interval_is_exact_at_its_ends_and_mirrored(level):
    for n in range(1, 300):
        low, high = wilson_interval(0, n, level)
        assert low == 0.0
        assert wilson_interval(n, n, level)[1] == 1.0
        assert wilson_interval(n, n, level)[0] == pytest.approx(1 - high)


@pytest.mark.parametrize(
    ("errors", "n", "level"), [(-1, 5, 0.95), (6, 5, 0.95), (0, 0, 0.95), (1, 5, 1.0), (1, 5, 0.0)]
)
def test_refuses_counts_that_cannot_be(errors, n, level):
    with pytest.raises(UsageError):
        wilson_interval(errors, n, level)


def test_error_rate_is_the_plain_count():
    truth, answer = np.array([0, 1, 2, 2]), np.array([0, 2, 2, 1])
    assert error_rate(truth, answer) == 0.5
    assert error_rate(truth, truth) == 0.0


def test_no_answers_have_no_error_rate():
    with pytest.raises(ShapeError, match="at least one"):
        error_rate(np.array([], dtype=int), np.array([], dtype=int))
