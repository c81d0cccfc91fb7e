"""Labels spread over a graph: against dense linear algebra, and against what hidden labels would have said."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from ilk.errors import ShapeError, UsageError
from ilk.neighbors import spread_labels
from ilk.neighbors.label_spreading import PROPAGATED_SHARE, PROPAGATION_ROUNDS, class_shares, neighbor_graph


def moons(count: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles that reach into each other: near in space, far along the graph."""
    draw = np.random.default_rng(seed)
    angle, classes = draw.uniform(0, np.pi, count), np.arange(count) % 2
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points[classes == 1] = [1.0, 0.5] - points[classes == 1]
    return (points + draw.normal(0, 0.06, points.shape)).astype(np.float32), classes.astype(np.int64)


def few(classes: np.ndarray, each: int, seed: int = 0) -> np.ndarray:
    draw, targets = np.random.default_rng(seed), np.full(len(classes), -1, dtype=np.int64)
    for c in np.unique(classes):
        chosen = draw.choice(np.flatnonzero(classes == c), each, replace=False)
        targets[chosen] = c
    return targets


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_the_graph_is_that_of_a_dense_reference(offset: float) -> None:
    points = np.random.default_rng(1).normal(size=(30, 3)) + offset
    apart = ((points[:, None] - points[None]) ** 2).sum(2)
    np.fill_diagonal(apart, np.inf)
    weights = np.zeros((30, 30))
    for i, row in enumerate(apart):
        nearest = np.argsort(row)[:4]
        weights[i, nearest] = np.exp(-4 * row[nearest] / row[nearest[-1]])
    weights = (weights + weights.T) / 2
    degrees = weights.sum(1)
    expected = weights / np.sqrt(degrees[:, None] * degrees)
    found = neighbor_graph(points, neighbors=4)
    np.testing.assert_allclose(found.toarray(), expected, atol=1e-5)
    assert np.linalg.eigvalsh(found.toarray().astype(float)).max() == pytest.approx(1, abs=1e-5)


def test_shares_are_those_of_as_many_dense_rounds_and_rows_sum_to_one() -> None:
    points, classes = moons(60)
    targets, graph = few(classes, 3), neighbor_graph(points, 4)
    dense, labels = graph.toarray().astype(float), np.zeros((60, 2))
    labels[targets >= 0, targets[targets >= 0]] = 1
    reached = labels
    for _ in range(PROPAGATION_ROUNDS):
        reached = PROPAGATED_SHARE * dense @ reached + (1 - PROPAGATED_SHARE) * labels
    shares = class_shares(graph, targets, 2)
    np.testing.assert_allclose(shares, reached / reached.sum(1, keepdims=True), atol=1e-4)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)


def test_labels_follow_the_shape_where_the_nearest_label_is_of_the_other_class() -> None:
    points, classes = moons()
    targets = few(classes, 5)
    spread = spread_labels(points, targets, 2)
    nearest = ((points[:, None] - points[None, targets >= 0]) ** 2).sum(2).argmin(1)
    assert (targets[targets >= 0][nearest] != classes).mean() > 0.03
    assert (spread.classes != classes).mean() < 0.01
    assert (spread.classes[targets >= 0] == targets[targets >= 0]).all()
    assert spread.hidden_error < 0.15
    # Ten labels hardly bear anything out: chance would give nine in ten of them once in a hundred times.
    assert 0.4 < spread_labels(points, few(classes, 10), 2).certain.mean() <= 0.95


def test_no_more_than_asked_for_is_certain_and_as_much_of_each_class() -> None:
    points, classes = moons()
    targets = few(classes, 10)
    found = {most: spread_labels(points, targets, 2, most=most).certain for most in (0.0, 0.3, 0.6)}
    assert (found[0.0] == (targets >= 0)).all()
    for most in (0.3, 0.6):
        for c in (0, 1):
            assert found[most][classes == c].mean() == pytest.approx(most, abs=0.06)
    assert (found[0.6] >= found[0.3]).all()


def test_where_alike_points_are_of_all_classes_nothing_is_certain() -> None:
    draw = np.random.default_rng(3)
    points, classes = draw.normal(size=(400, 2)).astype(np.float32), draw.integers(0, 5, 400)
    targets = few(classes, 20)
    spread = spread_labels(points, targets, 5)
    assert spread.hidden_error > 0.6
    assert spread.certain[targets < 0].mean() < 0.05


def test_where_no_class_has_two_labels_nothing_can_be_judged() -> None:
    points, classes = moons()
    targets = few(classes, 1)
    spread = spread_labels(points, targets, 2)
    assert (spread.certain == (targets >= 0)).all()
    assert np.isnan(spread.hidden_error)


def test_a_class_with_one_label_beside_others_is_not_judged_and_not_believed() -> None:
    points, classes = moons(400)
    third = np.concatenate([classes, np.full(60, 2)])
    points = np.concatenate([points, points[:60] + 50])
    targets = few(third, 12)
    targets[np.flatnonzero(targets == 2)[1:]] = -1
    spread = spread_labels(points, targets, 3)
    assert spread.hidden_error < 0.2
    assert spread.certain[third < 2].mean() > 0.4
    assert spread.certain[third == 2].sum() == 1
    assert (spread.classes[third == 2] == 2).all()


@pytest.mark.parametrize("labels", [(2, 2), (4, 4), (10, 10), (4, 4, 4), (60, 3), (95, 5), (190, 10)])
def test_noise_is_never_believed_however_few_or_unequal_the_labels(labels: tuple[int, ...]) -> None:
    believed = 0
    for seed in range(12):
        draw = np.random.default_rng(seed)
        points, targets = draw.normal(size=(600, 4)).astype(np.float32), np.full(600, -1)
        targets[: sum(labels)] = np.repeat(np.arange(len(labels)), labels)
        believed += int(spread_labels(points, targets, len(labels), seed=seed).certain[targets < 0].any())
    assert believed == 0


def test_a_rare_class_that_the_points_do_not_show_is_not_given_away() -> None:
    """Nine in ten are right by naming the frequent class; the rare one would be lost."""
    draw = np.random.default_rng(0)
    points, truth = draw.normal(size=(1000, 3)).astype(np.float32), (np.arange(1000) % 10 == 0).astype(np.int64)
    targets = np.where(np.arange(1000) < 200, truth, -1)
    spread = spread_labels(points, targets, 2)
    assert spread.hidden_error < 0.2
    assert not spread.certain[targets < 0].any()


def test_equal_points_are_one_and_take_no_time() -> None:
    points, classes = moons()
    copies = np.concatenate([points, np.zeros((20_000, 2), dtype=np.float32)])
    targets = np.concatenate([few(classes, 10), np.full(20_000, -1)])
    spread = spread_labels(copies, targets, 2)
    assert len(np.unique(spread.classes[len(points) :])) == 1
    assert (spread.classes[: len(points)] != classes).mean() < 0.02


def test_refuses_what_it_cannot_spread() -> None:
    points, classes = moons(20)
    bare = inspect.unwrap(spread_labels)
    for targets in (classes.astype(np.float64), classes[:5]):
        with pytest.raises(ShapeError, match="20 points need as many int64 targets"):
            bare(points, targets, 2)
    for targets, count in ((np.full(20, -1), 2), (np.zeros(20, dtype=np.int64), 2), (classes + 1, 2), (classes, 1)):
        with pytest.raises(UsageError, match="a label for each of 2 classes or more"):
            bare(points, targets, count)
    for share in ({"most": 2.0}, {"most": float("nan")}, {"allowed": -1.0}):
        with pytest.raises(UsageError, match="must lie between 0 and 1"):
            bare(points, classes, 2, **share)


def test_the_same_points_and_seed_give_the_same_answer_whatever_their_scale() -> None:
    points, classes = moons()
    targets = few(classes, 10)
    first, again = spread_labels(points, targets, 2, seed=4), spread_labels(points * 1024, targets, 2, seed=4)
    assert (first.classes == again.classes).all()
    assert (first.certain == again.certain).all()


def test_points_that_coincide_and_points_that_no_label_reaches() -> None:
    points = np.zeros((12, 2), dtype=np.float32)
    targets = np.array([0, 1] + [-1] * 10)
    assert np.isfinite(class_shares(neighbor_graph(points), targets, 2)).all()
    far = np.concatenate([np.arange(10.0), 1e6 + np.arange(10.0)])[:, None].repeat(2, axis=1)
    lone = np.full(20, -1)
    lone[[0, 9]] = [0, 1]
    shares = class_shares(neighbor_graph(far, 3), lone, 2)
    assert (shares[10:] == 0).all()
    assert shares[:10].sum(1) == pytest.approx(np.ones(10), abs=1e-5)
    with pytest.raises(ShapeError, match="20 points need as many targets"):
        class_shares(neighbor_graph(far, 3), lone[:5], 2)
