"""The estimator trains by the default recipe and warns of a collapse."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from ilk import NeighborEmbedding
from ilk.data import from_arrays
from ilk.estimator.parameters import settings_of
from ilk.estimator.training import train, warn_of_collapse
from ilk.recipes import FitResult, fit

DIGITS = load_digits()
DATA = from_arrays((DIGITS.images[:60] * 15.9).astype(np.uint8), DIGITS.target[:60], size=8)


@pytest.fixture(scope="module")
def fitted() -> FitResult:
    given = NeighborEmbedding(epochs=1, verbose=1).get_params()
    return train(DATA, settings_of(given), given, time.monotonic())[0]


def test_it_is_the_default_recipe(fitted: FitResult) -> None:
    same = fit(DATA, settings_of(NeighborEmbedding(epochs=1).get_params()), network="neighbor-mnist")
    assert fitted.history == same.history
    np.testing.assert_array_equal(fitted.points, same.points)


def test_verbose_prints_a_line_per_record(capsys: pytest.CaptureFixture[str]) -> None:
    for verbose in (0, 1):
        given = NeighborEmbedding(epochs=1, verbose=verbose).get_params()
        records = train(DATA, settings_of(given), given, time.monotonic())[0].history
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == verbose * len(records)
        assert all(line.startswith("epoch ") for line in lines)


def test_a_collapse_is_warned_of(fitted: FitResult) -> None:
    fitted.history[-1].update(spread=100.0, effective_rank=9.0, largest_share=0.2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_collapse(fitted)
    fitted.history[-1]["spread"] = 0.0
    with pytest.warns(ConvergenceWarning, match="time_limit"):
        warn_of_collapse(fitted)
