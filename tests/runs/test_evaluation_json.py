"""The confusion in the JSON of an evaluation: a matrix of few classes, the pairs that occur of many."""

from __future__ import annotations

import numpy as np
import pytest

from ilk.neighbors import Answers
from ilk.runs.evaluate import Evaluation

TRUTH, LABEL = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 0, 0])


def evaluation(classes: int) -> Evaluation:
    """Five answers among so many classes."""
    n = len(TRUTH)
    answers = Answers(
        label=LABEL,
        confidence=np.full(n, 0.5),
        status=np.full(n, "sure"),
        neighbors=np.zeros((n, 1), dtype=np.int64),
        distances=np.zeros((n, 1)),
        probabilities=np.full((n, classes), 1 / classes),
    )
    names = tuple(map(str, range(classes)))
    return Evaluation("test", np.arange(n), TRUTH, answers, names, classes, 9, 0, 0, 0, None)


def test_few_classes_make_a_matrix() -> None:
    assert evaluation(3).as_json()["confusion"] == [[1, 1, 0], [0, 1, 0], [2, 0, 0]]


@pytest.mark.parametrize("classes", [1000, 1001])
def test_many_classes_make_pairs(classes: int) -> None:
    found = evaluation(classes).as_json()["confusion"]
    assert isinstance(found, list)
    if classes == 1000:
        assert np.array(found).shape == (classes, classes)
        return
    assert found == [
        {"truth": 0, "answer": 0, "count": 1},
        {"truth": 0, "answer": 1, "count": 1},
        {"truth": 1, "answer": 1, "count": 1},
        {"truth": 2, "answer": 0, "count": 2},
    ]


def test_the_lines_name_the_class_most_often_taken_for() -> None:
    lines = evaluation(3).lines(most_classes=3)
    assert [line.split()[-2:] for line in lines[1:3]] == [["0", "(2)"], ["1", "(1)"]]
