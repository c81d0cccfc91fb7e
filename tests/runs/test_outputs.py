"""A labeled image is no evidence for itself."""

from __future__ import annotations

import numpy as np

from ilk.data import from_arrays
from ilk.neighbors import Answers
from ilk.runs.outputs import without_themselves


def test_each_labeled_image_is_taken_out_of_its_own_neighbors() -> None:
    dataset = from_arrays(np.zeros((4, 2, 2), dtype=np.uint8), ["a", None, "b", "a"])
    neighbors = np.array([[0, 2, 1], [2, 1, 0], [0, 1, 2], [2, 0, 1]])  # labeled: images 0, 2 and 3
    answers = Answers(
        label=np.zeros(4, dtype=np.int64),
        confidence=np.ones(4),
        status=np.array(["sure"] * 4),
        neighbors=neighbors,
        distances=neighbors.astype(np.float32),
        probabilities=np.ones((4, 2), dtype=np.float32),
    )
    expected = [[2, 1], [2, 1], [0, 2], [0, 1]]
    kept = without_themselves(answers, dataset)
    assert kept.neighbors.tolist() == expected
    assert kept.distances.tolist() == expected
