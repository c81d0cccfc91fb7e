from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from ilk.errors import ShapeError, UsageError
from ilk.measures import (
    MOST_DENSE_CLASSES,
    Confusion,
    Mistake,
    class_report,
    confusion,
    error_rate,
    most_frequent_mistakes,
    wilson_interval,
)


def random_answers(n=500, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, classes, n), rng.integers(0, classes, n)


def test_confusion_is_that_of_scikit_learn():
    truth, answer = random_answers()
    np.testing.assert_array_equal(confusion(truth, answer, 5).dense(), confusion_matrix(truth, answer, labels=range(5)))


def test_confusion_has_the_truth_in_its_rows():
    assert confusion(np.array([0, 0, 1]), np.array([1, 1, 1]), 2).dense().tolist() == [[0, 2], [0, 1]]


def test_a_confusion_and_its_matrix_are_the_same_thing():
    truth, answer = random_answers(60, 7)
    sparse = confusion(truth, answer, 9)
    matrix = confusion_matrix(truth, answer, labels=range(9))
    again = Confusion.from_dense(matrix)
    for name in ("truth", "answer", "count"):
        np.testing.assert_array_equal(getattr(sparse, name), getattr(again, name))
    assert sparse.images_per_class().tolist() == matrix.sum(axis=1).tolist()
    assert sparse.answers_per_class().tolist() == matrix.sum(axis=0).tolist()
    assert sparse.confused_pairs == np.count_nonzero(matrix - np.diag(np.diag(matrix)))
    for number in range(9):
        wanted = np.where(np.arange(9)[:, None] == number, matrix, 0)
        np.testing.assert_array_equal(sparse.of_class(number).dense(), wanted)


def test_a_matrix_of_too_many_classes_is_refused():
    one = np.zeros(1, dtype=np.int64)
    assert confusion(one, one, MOST_DENSE_CLASSES).dense().sum() == 1
    with pytest.raises(UsageError, match="1,001 classes"):
        confusion(one, one, MOST_DENSE_CLASSES + 1).dense()


@pytest.mark.parametrize("classes", [3, MOST_DENSE_CLASSES, MOST_DENSE_CLASSES + 1])
def test_json_has_the_matrix_of_few_classes_and_the_pairs_of_many(classes):
    found = confusion(np.array([0, 0, 2, 2]), np.array([0, 1, 0, 0]), classes).as_json()
    if classes > MOST_DENSE_CLASSES:
        assert found == [
            {"truth": 0, "answer": 0, "count": 1},
            {"truth": 0, "answer": 1, "count": 1},
            {"truth": 2, "answer": 0, "count": 2},
        ]
    else:
        assert [row[:3] for row in found[:3]] == [[1, 1, 0], [0, 0, 0], [2, 0, 0]]
        assert [len(row) for row in found] == [classes] * classes


def test_a_hundred_thousand_classes_take_memory_and_time_by_the_answers_alone():
    n, classes = 1_000_000, 100_000
    rng = np.random.default_rng(0)
    truth = rng.integers(0, classes, n)
    answer = np.where(rng.random(n) < 0.1, rng.integers(0, 10, n), truth)
    tracemalloc.start()
    start = time.perf_counter()
    counts = confusion(truth, answer, classes)
    mistakes = most_frequent_mistakes(counts, 15)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6
    assert time.perf_counter() - start < 10
    assert counts.total == n
    assert counts.right == (truth == answer).sum()
    first = mistakes[0]
    assert first.count == ((truth == first.truth) & (answer == first.answer)).sum() > 1
    report = class_report(truth % 20_000, answer % 20_000, 20_000)
    assert [each.n for each in report] == np.bincount(truth % 20_000).tolist()


def test_error_rate_is_what_lies_off_the_diagonal():
    truth, answer = random_answers()
    table = confusion(truth, answer, 4)
    assert (table.total, table.shape) == (500, (4, 4))
    assert error_rate(truth, answer) == pytest.approx(1 - table.right / table.total)
    assert error_rate(truth, truth) == 0.0


def test_class_report_is_that_of_scikit_learn():
    truth, answer = random_answers()
    precision, recall, _, n = precision_recall_fscore_support(truth, answer, labels=range(4))
    report = class_report(truth, answer, 4)
    assert [row.n for row in report] == n.tolist()
    assert [row.precision for row in report] == pytest.approx(precision)
    assert [row.recall for row in report] == pytest.approx(recall)
    assert sum(row.errors for row in report) == (truth != answer).sum()
    assert [row.error for row in report] == pytest.approx(1 - recall)
    assert [row.interval for row in report] == [wilson_interval(row.errors, row.n) for row in report]


def test_a_class_without_images_or_answers_has_no_figures():
    row = class_report(np.array([0]), np.array([0]), 2)[1]
    assert (row.n, row.errors, row.error, row.interval, row.precision, row.recall) == (0, 0, None, None, None, None)


@pytest.mark.parametrize(
    ("truth", "answer"),
    [([0, 1], [0]), ([0], [2]), ([-1], [0]), ([[0]], [[0]]), ([0.5], [0.5])],
)
def test_refuses_arrays_that_do_not_match(truth, answer):
    with pytest.raises(ShapeError):
        confusion(np.array(truth), np.array(answer), 2)


def test_the_most_frequent_mistakes_come_first_and_equal_ones_in_reading_order():
    counts = Confusion.from_dense(np.array([[9, 2, 0], [3, 9, 2], [0, 1, 9]]))
    wanted = (Mistake(1, 0, 3), Mistake(0, 1, 2), Mistake(1, 2, 2), Mistake(2, 1, 1))
    assert most_frequent_mistakes(counts) == wanted
    assert most_frequent_mistakes(counts, 2) == wanted[:2]
    assert most_frequent_mistakes(Confusion.from_dense(np.eye(3, dtype=np.int64))) == ()
