"""Figures of collapse on spaces whose answer is known, and the sentences that name each cause."""

from __future__ import annotations

import numpy as np
import pytest

from ilk.training import class_shares, diagnose, effective_rank, spread

SCALE = ("squared", 2.0)
HEALTHY = {"spread": 3.0, "effective_rank": 8.0, "largest_share": 0.2}
CLASSES = ["ant", "bee", "cat", "dog"]


def cloud(count: int = 400, dim: int = 6) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((count, dim)).astype(np.float32)


def test_spread_of_known_spaces() -> None:
    assert spread(np.array([[0, 0], [6, 8]], np.float32)) == pytest.approx(5)
    assert spread(np.full((7, 3), 1000.1, np.float32)) == pytest.approx(0, abs=1e-9)
    assert spread(cloud() + 1000) == pytest.approx(spread(cloud()), rel=1e-4)
    assert spread(3 * cloud()) == pytest.approx(3 * spread(cloud()), rel=1e-6)


def test_effective_rank_of_known_spaces() -> None:
    line = np.outer(np.linspace(-1, 1, 20), [1, 2, 3]).astype(np.float32)
    assert effective_rank(line) == pytest.approx(1, abs=1e-4)
    corners = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]], np.float32)  # a cross: two equal directions
    assert effective_rank(corners) == pytest.approx(2)
    assert effective_rank(np.full((9, 4), 1000.1, np.float32)) == 0
    assert 5.8 < effective_rank(cloud()) <= 6
    assert effective_rank(100 * cloud() + 7) == pytest.approx(effective_rank(cloud()), rel=1e-4)


def test_class_shares_of_points_on_their_references() -> None:
    references = np.array([[0, 0], [50, 0], [0, 50]], np.float32)
    shares = class_shares(references[[0, 0, 0, 1]], references, temperature=2.0)
    assert shares == pytest.approx([0.75, 0.25, 0])
    assert class_shares(cloud(50, 2), references, temperature=2.0).sum() == pytest.approx(1)


def test_class_shares_are_even_where_all_points_coincide() -> None:
    assert class_shares(np.ones((5, 2), np.float32), np.ones((4, 2), np.float32), temperature=2.0) == pytest.approx(
        [0.25] * 4
    )


def test_a_healthy_space_has_no_complaint() -> None:
    assert diagnose(HEALTHY, CLASSES, 0, SCALE) == []
    points = np.concatenate([cloud(50) + 10 * np.eye(6, dtype=np.float32)[c] for c in range(4)])
    references = 10 * np.eye(6, dtype=np.float32)[:4]
    shares = class_shares(points, references, temperature=2.0)
    figures = {"spread": spread(points), "effective_rank": effective_rank(points), "largest_share": float(shares.max())}
    assert diagnose(figures, CLASSES, int(shares.argmax()), SCALE) == []


@pytest.mark.parametrize(
    ("sign", "names"),
    [
        ({"spread": 0.01}, ["collapsed", "too few steps", "0.01"]),
        ({"effective_rank": 1.05}, ["on a line", "entropy", "4 classes"]),
        ({"largest_share": 0.97}, ["97%", "'bee'", "entropy"]),
    ],
)
def test_each_cause_is_named_alone(sign: dict[str, float], names: list[str]) -> None:
    sentences = diagnose(HEALTHY | sign, CLASSES, 1, SCALE)
    assert len(sentences) == 1
    assert all(name in sentences[0] for name in names)


def test_two_classes_may_lie_on_a_line() -> None:
    assert diagnose(HEALTHY | {"effective_rank": 1.0}, CLASSES[:2], 0, SCALE) == []


def test_the_scale_of_collapse_is_that_of_the_temperature() -> None:
    wide = ("squared", 10_000.0)
    assert len(diagnose(HEALTHY, CLASSES, 0, wide)) == 1
    narrow = ("squared", 0.01)
    assert diagnose(HEALTHY | {"spread": 0.01}, CLASSES, 0, narrow) == []
    euclidean = ("euclidean", 10_000.0)
    assert len(diagnose(HEALTHY | {"spread": 60.0}, CLASSES, 0, euclidean)) == 1
    assert diagnose(HEALTHY | {"spread": 60.0}, CLASSES, 0, wide) == []
