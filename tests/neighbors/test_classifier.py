from __future__ import annotations

import math

import numpy as np
import pytest

from ilk.errors import ShapeError, UsageError
from ilk.neighbors import NeighborClassifier, fit_classifier, leave_one_out_error, vote


def column(*values):
    return np.array(values, dtype=np.float32)[:, None]


def ints(*values):
    return np.array(values, dtype=np.int64)


def clusters(seed=0, classes=3, each=6, dim=8, offset=0.0):
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((classes, dim)) * 5
    points = np.repeat(centers, each, axis=0) + rng.standard_normal((classes * each, dim)) * 0.3 + offset
    return points.astype(np.float32), np.repeat(np.arange(classes), each)


def plain_probabilities(labeled, targets, query, classes, k, distance, temperature):
    """Eq. 1, one image at a time: d is the mean distance to the k nearest labeled images of each class."""
    d = []
    for c in range(classes):
        own = sorted(float(((query.astype(float) - z.astype(float)) ** 2).sum()) for z in labeled[targets == c])
        nearest = [x if distance == "squared" else math.sqrt(x) for x in own][:k]
        d.append(sum(nearest) / len(nearest) / temperature)
    total = sum(math.exp(-x + min(d)) for x in d)
    return [math.exp(-x + min(d)) / total for x in d]


@pytest.mark.parametrize(
    ("neighbors", "answer"),
    [
        ([4], 4),
        ([2, 1, 1], 1),
        ([2, 1, 0], 2),  # all tie: the nearest
        ([2, 1, 1, 2, 0], 2),  # two tie: the one with the nearest member
        ([0, 1, 2, 2, 1], 1),  # the nearest of all is not among those that tie
    ],
)
def test_vote(neighbors, answer):
    assert vote(ints(*neighbors)[None]).tolist() == [answer]


@pytest.mark.parametrize("distance", ["squared", "euclidean"])
@pytest.mark.parametrize(("k", "temperature"), [(1, 1.0), (3, 2.0), (5, 0.5)])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_probabilities_are_those_of_the_plain_loop(distance, k, temperature, offset):
    points, targets = clusters(offset=offset)
    points, targets = points[:-3], targets[:-3]  # the last class has fewer labels than k
    queries = clusters(seed=0)[0][::4] + np.float32(offset) + np.float32(1.5)
    classifier = NeighborClassifier(points, targets, 3, distance, temperature, k)
    answers = classifier.predict(queries)
    expected = [plain_probabilities(points, targets, q, 3, k, distance, temperature) for q in queries]
    np.testing.assert_allclose(answers.probabilities, expected, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(answers.confidence, answers.probabilities[np.arange(len(queries)), answers.label])


def test_a_case_by_hand():
    # Labeled: class 0 at 0 and 1, class 1 at 3. The query 1.5 is 0.5 and 1.5 from class 0, and 1.5 from class 1.
    classifier = NeighborClassifier(column(0, 1, 3), ints(0, 0, 1), 2, k=3, temperature=2.0)
    answers = classifier.predict(column(1.5))
    d = [(0.25 + 2.25) / 2 / 2, 2.25 / 2]
    p = math.exp(-d[0]) / (math.exp(-d[0]) + math.exp(-d[1]))
    assert answers.label.tolist() == [0]
    assert answers.confidence[0] == pytest.approx(p, abs=1e-6)
    assert answers.neighbors.tolist() == [[1, 0, 2]]
    assert answers.distances.tolist() == [[0.5, 1.5, 1.5]]


def test_far_away_probabilities_stay_finite():
    answers = NeighborClassifier(column(0, 1e4), ints(0, 1), 2).predict(column(-1e6))
    assert answers.probabilities.tolist() == [[1.0, 0.0]]


def test_status():
    # d to the two classes at 0 and 10 differs by 100 − 20x: certain near an end, even in the middle.
    classifier = NeighborClassifier(column(0, 10), ints(0, 1), 2, unlike_beyond=6.0)
    answers = classifier.predict(column(0.5, 5.0, 15.9, 16.1))
    assert answers.status.tolist() == ["sure", "check", "sure", "unlike"]


def test_confident_answers_of_neighbors_that_disagree_are_to_check():
    points = column(0, 0.1, 0.2, 5)
    classifier = NeighborClassifier(points, ints(0, 1, 0, 1), 2, k=3, temperature=1.0, sure_from=0.5)
    answers = classifier.predict(column(0.0))
    assert answers.label.tolist() == [0]
    assert answers.confidence[0] >= 0.5
    assert answers.status.tolist() == ["check"]


def test_leave_one_out_error_by_hand():
    # Nearest others: 0→1 (right), 1→0 (right), 4→6 (wrong), 6→4 (wrong), 9→6 (right).
    points, targets = column(0, 1, 4, 6, 9), ints(0, 0, 0, 1, 1)
    assert leave_one_out_error(points, targets) == pytest.approx(2 / 5)


def test_leave_one_out_error_counts_copies_as_others():
    assert leave_one_out_error(column(1, 1, 2, 2), ints(0, 0, 1, 1)) == 0.0
    assert leave_one_out_error(column(1, 1, 2, 2), ints(0, 1, 0, 1)) == 1.0


def test_k_is_the_one_with_the_least_leave_one_out_error():
    # A stray label amid each class: one neighbor copies it, three outvote it.
    points = column(0, 0.1, 0.2, 0.3, 0.45, 10, 10.1, 10.2, 10.3, 10.45)
    targets = ints(0, 0, 1, 0, 0, 1, 1, 0, 1, 1)
    errors = {k: leave_one_out_error(points, targets, k) for k in (1, 3, 5)}
    assert errors[3] < errors[1]
    assert fit_classifier(points, targets, 2).k == min(errors, key=lambda k: (errors[k], k))


def test_equal_errors_choose_the_smallest_k():
    points, targets = clusters()
    assert {leave_one_out_error(points, targets, k) for k in (1, 3, 5)} == {0.0}
    assert fit_classifier(points, targets, 3).k == 1


def test_a_class_with_one_label_means_one_neighbor():
    points = column(0, 0.1, 0.2, 0.3, 0.45, 10, 10.1, 10.2, 10.3, 10.45, 99)
    targets = ints(0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 2)
    assert fit_classifier(points, targets, 3).k == 1
    assert fit_classifier(points, targets, 3, k=5).k == 5


@pytest.mark.parametrize("each", [1, 2, 8])
def test_what_is_far_from_all_labels_is_unlike_and_more_of_the_same_is_not(each):
    points, targets = clusters(each=each)
    more = clusters(seed=0, each=8)[0]
    classifier = fit_classifier(points, targets, 3)
    assert "unlike" not in classifier.predict(more).status
    assert set(classifier.predict(more + 1000).status) == {"unlike"}


def test_where_labeled_images_lie_very_close_unlike_begins_halfway_to_the_other_class():
    classifier = fit_classifier(column(0, 0.01, 0.02, 10, 10.01, 10.02), ints(0, 0, 0, 1, 1, 1), 2)
    assert classifier.unlike_beyond == pytest.approx(0.5 * 9.99, abs=0.01)
    assert classifier.predict(column(-4.9, 4.9, 14.9)).status.tolist()[0] != "unlike"
    assert classifier.predict(column(-5.1, 15.2)).status.tolist() == ["unlike", "unlike"]


def test_copies_of_labeled_images_make_nothing_unlike():
    points, targets = clusters()
    twice = fit_classifier(np.repeat(points, 2, axis=0), np.repeat(targets, 2), 3)
    assert twice.unlike_beyond == pytest.approx(fit_classifier(points, targets, 3).unlike_beyond)


def test_a_collapsed_space_makes_nothing_unlike():
    answers = fit_classifier(column(1, 1, 1), ints(0, 1, 1), 2).predict(column(1, 1.001))
    assert answers.status.tolist() == ["check", "check"]
    np.testing.assert_allclose(answers.probabilities, 0.5)


def test_answers_do_not_depend_on_the_order_of_the_labels_or_on_their_place():
    points, targets = clusters(seed=4)
    queries = points[::5] + np.float32(0.5)
    shuffled = np.random.default_rng(0).permutation(len(points))
    first = fit_classifier(points, targets, 3).predict(queries)
    second = fit_classifier(points[shuffled], targets[shuffled], 3).predict(queries)
    np.testing.assert_array_equal(first.label, second.label)
    np.testing.assert_allclose(first.confidence, second.confidence, rtol=1e-6)
    np.testing.assert_array_equal(first.neighbors, shuffled[second.neighbors])


def test_fewer_labels_than_neighbors_asked_for():
    answers = NeighborClassifier(column(0, 1), ints(0, 1), 2).predict(column(0.2), neighbors=3)
    assert answers.neighbors.tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"distance": "cosine"}, UsageError),
        ({"temperature": 0.0}, UsageError),
        ({"temperature": math.nan}, UsageError),
        ({"k": 0}, UsageError),
        ({"classes": 3}, UsageError),  # class 2 has no label
        ({"classes": 1}, UsageError),
        ({"targets": ints(0)}, ShapeError),
        ({"targets": np.array([0.0, 1.0])}, ShapeError),
        ({"targets": ints(-1, 0)}, UsageError),
        ({"points": column(0, math.nan)}, ShapeError),
    ],
)
def test_refuses_what_cannot_be_meant(settings, error):
    with pytest.raises(error):
        fit_classifier(**{"points": column(0, 1), "targets": ints(0, 1), "classes": 2, **settings})


def test_leave_one_out_needs_two():
    with pytest.raises(ShapeError, match="at least 2"):
        leave_one_out_error(column(1), ints(0))
