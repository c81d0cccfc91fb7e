"""Leave-one-out: the same as taking one image away and asking the classifier that is left."""

from __future__ import annotations

from collections import Counter
from math import dist, exp

import numpy as np
import pytest

from ilk.errors import UsageError
from ilk.neighbors import NeighborClassifier, fit_classifier, leave_one_out


def labeled(n: int = 40, classes: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    targets = np.concatenate([np.arange(classes), rng.integers(0, classes - 1, n - classes)])
    return rng.normal(size=(n, 3)) + 0.8 * targets[:, None], targets


def plain_answer(classifier: NeighborClassifier, i: int) -> tuple[int, float, list[int]]:
    """The vote and eq. 1 for image i from all images but i, as the plainest loop."""
    points, targets = classifier.points.tolist(), classifier.targets.tolist()
    d = {j: dist(points[i], points[j]) for j in range(len(points)) if j != i}
    order = sorted(d, key=lambda j: d[j])
    votes = Counter(targets[j] for j in order[: classifier.k])
    label = next(targets[j] for j in order if votes[targets[j]] == max(votes.values()))
    weight = {}
    for c in range(classifier.classes):
        nearest = sorted(d[j] for j in d if targets[j] == c)[: classifier.k]
        powers = [x if classifier.distance == "euclidean" else x * x for x in nearest]
        weight[c] = exp(-sum(powers) / len(powers) / classifier.temperature) if powers else 0.0
    return label, weight[label] / sum(weight.values()), order


@pytest.mark.parametrize("distance", ["squared", "euclidean"])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_it_is_the_answer_of_all_the_others(distance: str, k: int) -> None:
    points, targets = labeled()
    classifier = NeighborClassifier(points, targets, 4, distance=distance, temperature=0.7, k=k)
    found = leave_one_out(classifier)
    assert found.positions.tolist() == [i for i, t in enumerate(targets) if (targets == t).sum() > 1]
    assert len(found.positions) == 39  # the last class has one label
    for row, i in enumerate(found.positions):
        label, confidence, order = plain_answer(classifier, int(i))
        assert found.label[row] == label
        assert found.confidence[row] == pytest.approx(confidence, rel=1e-9)
        assert found.neighbors[row].tolist() == order[:3]
        assert found.distances[row] == pytest.approx([dist(points[i], points[j]) for j in order[:3]])


def test_it_is_the_answer_of_the_classifier_that_is_left() -> None:
    points, targets = labeled(classes=3, seed=1)
    whole = fit_classifier(points, targets, 3, k=3)
    found = leave_one_out(whole)
    for row, i in enumerate(found.positions):
        rest = NeighborClassifier(np.delete(points, i, 0), np.delete(targets, i), 3, k=3)
        answer = rest.predict(points[i : i + 1])
        assert found.label[row] == answer.label[0]
        assert found.confidence[row] == pytest.approx(answer.confidence[0], rel=1e-5)


def test_a_sample_is_drawn_from_its_seed_and_answers_as_the_whole_does() -> None:
    points, targets = labeled(n=200)
    classifier = fit_classifier(points, targets, 4)
    whole, some = leave_one_out(classifier), leave_one_out(classifier, most=50, seed=3)
    rows = np.searchsorted(whole.positions, some.positions)
    assert len(np.unique(some.positions)) == 50
    assert (whole.positions[rows] == some.positions).all()
    np.testing.assert_array_equal(whole.label[rows], some.label)
    np.testing.assert_allclose(whole.confidence[rows], some.confidence)
    np.testing.assert_array_equal(some.positions, leave_one_out(classifier, most=50, seed=3).positions)
    assert (some.positions != leave_one_out(classifier, most=50, seed=4).positions).any()


def test_one_label_per_class_leaves_nobody_to_ask() -> None:
    found = leave_one_out(NeighborClassifier(np.eye(3), np.arange(3), 3))
    assert [len(rows) for rows in (found.positions, found.label, found.confidence)] == [0, 0, 0]
    assert found.neighbors.shape == found.distances.shape == (0, 2)


def test_confidence_stays_a_number_however_far_apart_the_images_lie() -> None:
    points, targets = labeled()
    found = leave_one_out(NeighborClassifier(1e6 * points, targets, 4, temperature=1e-3, k=3))
    assert ((found.confidence >= 0) & (found.confidence <= 1)).all()


@pytest.mark.parametrize("given", [{"neighbors": 0}, {"most": 0}])
def test_what_cannot_be_meant_is_refused(given: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        leave_one_out(NeighborClassifier(np.eye(2), np.arange(2), 2), **given)
