"""A linear head answers: by the softmax of a plain loop, and as a neighbor classifier in one more dimension."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ilk.errors import ShapeError, UsageError
from ilk.neighbors import HeadClassifier, NeighborClassifier, with_head

CLASSES, DIM, LABELED = 4, 3, 12
DRAWS = np.random.default_rng(0)
WEIGHT = DRAWS.standard_normal((CLASSES, DIM)).astype(np.float32)
BIAS = 0.2 * DRAWS.standard_normal(CLASSES).astype(np.float32)
POINTS = (2 * DRAWS.standard_normal((200, DIM))).astype(np.float32)


def neighbors(**options: object) -> NeighborClassifier:
    points = np.random.default_rng(1).standard_normal((LABELED, DIM)).astype(np.float32)
    return NeighborClassifier(points, np.arange(LABELED) % CLASSES, CLASSES, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("temperature", [1.0, 0.5, 20.0])
def test_probabilities_are_the_softmax_of_a_plain_loop(temperature: float) -> None:
    answers = with_head(neighbors(), WEIGHT, BIAS, temperature).predict(POINTS)
    for n, point in enumerate(POINTS.tolist()):
        powers = []
        for row, constant in zip(WEIGHT.tolist(), BIAS.tolist(), strict=True):
            logit = constant
            for w, x in zip(row, point, strict=True):
                logit += w * x
            powers.append(math.exp(logit / temperature))
        expected = [power / sum(powers) for power in powers]
        assert answers.probabilities[n].tolist() == pytest.approx(expected, rel=1e-5)
        assert answers.label[n] == expected.index(max(expected))
        assert answers.confidence[n] == pytest.approx(max(expected), rel=1e-5)
    assert answers.probabilities.dtype == np.float32


def test_it_is_a_neighbor_classifier_with_one_reference_per_class_in_one_more_dimension() -> None:
    """r_c² = Q − |w_c|² − 2 b_c, half the squared distance, eq. 1."""
    weight, bias = WEIGHT.astype(np.float64), BIAS.astype(np.float64)
    rest = -(weight**2).sum(1) - 2 * bias
    height = np.sqrt(rest - rest.min() + 1.0)
    references = np.column_stack([weight, height]).astype(np.float32)
    lifted = np.column_stack([POINTS, np.zeros(len(POINTS), np.float32)])
    by_distance = NeighborClassifier(references, np.arange(CLASSES), CLASSES, temperature=2.0, k=1).predict(lifted)
    by_head = with_head(neighbors(), WEIGHT, BIAS).predict(POINTS)
    np.testing.assert_allclose(by_head.probabilities, by_distance.probabilities, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(by_head.label, by_distance.label)
    np.testing.assert_array_equal(by_distance.neighbors[:, 0], by_distance.label)  # the nearest is the argmax
    assert len(set(by_head.label.tolist())) == CLASSES


def test_large_logits_do_not_overflow() -> None:
    answers = with_head(neighbors(), 1e4 * WEIGHT, BIAS).predict(POINTS)
    assert np.isfinite(answers.probabilities).all()
    np.testing.assert_allclose(answers.probabilities.sum(1), 1, rtol=1e-6)


@pytest.mark.parametrize("count", [1, 3, 5])
def test_its_evidence_is_that_of_the_neighbors(count: int) -> None:
    near, answers = neighbors().predict(POINTS, count), with_head(neighbors(), WEIGHT, BIAS).predict(POINTS, count)
    np.testing.assert_array_equal(answers.neighbors, near.neighbors)
    np.testing.assert_array_equal(answers.distances, near.distances)
    assert with_head(neighbors(temperature=3.0), WEIGHT, BIAS).scale == ("squared", 3.0)


def test_sure_needs_confidence_and_the_nearest_labeled_image_and_unlike_is_far_from_all() -> None:
    labeled = np.array([[-1.0], [1.0]], np.float32)
    around = NeighborClassifier(labeled, np.array([0, 1]), 2, unlike_beyond=3.0, sure_from=0.9)
    # Class 1 from 0.5 on: between 0 and 0.5 the head says 0 and the nearest image 1.
    head = with_head(around, np.array([[-20.0], [20.0]], np.float32), np.array([20.0, -20.0], np.float32) / 2)
    points = np.array([[-1.0], [0.2], [0.5], [1.0], [3.9], [4.1], [-9.0]], np.float32)
    answers = head.predict(points)
    assert answers.label.tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert answers.status.tolist() == ["sure", "check", "check", "sure", "sure", "unlike", "unlike"]
    warm = with_head(around, head.weight, head.bias, head_temperature=40.0).predict(points)
    assert warm.label.tolist() == answers.label.tolist()
    assert warm.status.tolist() == ["check", "check", "check", "check", "sure", "unlike", "unlike"]


@pytest.mark.parametrize(
    ("weight", "bias"),
    [(WEIGHT[:3], BIAS), (WEIGHT[:, :2], BIAS), (WEIGHT, BIAS[:3]), (WEIGHT.T.copy(), BIAS)],
)
def test_a_head_of_another_shape_is_refused(weight: np.ndarray, bias: np.ndarray) -> None:
    head = object.__new__(HeadClassifier)
    given = {**vars(neighbors()), "weight": weight, "bias": bias, "head_temperature": 1.0}
    for name, value in given.items():
        object.__setattr__(head, name, value)  # past the checker of the tests
    with pytest.raises(ShapeError, match=r"4 classes over 3 dimensions needs a weight \(4, 3\) and a bias \(4,\)"):
        head.__post_init__()


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.inf, math.nan])
def test_a_temperature_that_is_not_above_0_is_refused(temperature: float) -> None:
    with pytest.raises(UsageError, match="head_temperature must be above 0"):
        with_head(neighbors(), WEIGHT, BIAS, temperature)


def test_points_of_another_dimension_and_no_neighbors_are_refused() -> None:
    head = with_head(neighbors(), WEIGHT, BIAS)
    with pytest.raises(ShapeError):
        head.predict(POINTS[:, :2])
    with pytest.raises(ShapeError):
        head.predict(np.full((1, DIM), np.nan, np.float32))
    with pytest.raises(UsageError, match="neighbors must be at least 1"):
        head.predict(POINTS, 0)
