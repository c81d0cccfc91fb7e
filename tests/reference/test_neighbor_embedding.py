"""The reference itself, held against cases that are worked out by hand."""

from __future__ import annotations

import math

import pytest

from tests.reference import neighbor_embedding as paper


def test_distance_of_the_3_4_5_triangle() -> None:
    assert paper.distance([0, 0], [3, 4], "squared") == 25
    assert paper.distance([0, 0], [3, 4], "euclidean") == 5


def test_two_references_at_distances_0_and_1() -> None:
    near = 1 / (1 + math.exp(-1))
    assert paper.probabilities([0], [[0], [1]], "squared", 1.0) == pytest.approx([near, 1 - near])
    assert paper.distance_ratio([[0]], [[1, 0]], [[[0], [1]]], "squared", 1.0, [[True]]) == pytest.approx(
        -math.log(near)
    )


def test_halfway_between_two_references_is_log_2_until_they_are_grouped() -> None:
    sets = [[[0], [2]]]
    assert paper.minimum_entropy([[1]], sets, "euclidean", 1.0) == pytest.approx(math.log(2))
    assert paper.minimum_entropy([[1]], sets, "euclidean", 1.0, groups=[0, 0]) == pytest.approx(0)


def test_consistency_asks_the_certain_for_their_class_and_the_others_for_their_distribution() -> None:
    sets = [[[0], [10]]]
    asked = paper.consistency([[0], [5]], [[5], [5]], sets, "euclidean", 1.0, threshold=0.9)
    assert asked == pytest.approx(math.log(2) / 2)  # the first image alone, averaged over both
    # -log P of the first class at 5 is log 2; from one half each to nearly all: 1/2 log(1/2 / 1) + 1/2 log(1/2 / e^-10)
    apart = math.log(0.5) + 5 + math.log(1 + math.exp(-10))
    asked = paper.consistency([[0], [5]], [[5], [0]], sets, "euclidean", 1.0, threshold=0.9)
    assert asked == pytest.approx((math.log(2) + apart / 4) / 2)


def test_total_weighs_both_terms() -> None:
    assert paper.total(2.0, 3.0, 0.5, 0.1) == pytest.approx(1.3)
