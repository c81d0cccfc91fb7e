"""Which images the page of a run shows, and what it offers next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ilk.neighbors import Answers
from ilk.report.limits import MOST_CARDS
from ilk.runs.report_page import next_steps, spread_over_classes


def answers(labels: list[int], confidence: list[float]) -> Any:
    n = len(labels)
    return Answers(
        label=np.array(labels, dtype=np.int64),
        confidence=np.array(confidence),
        status=np.array(["sure"] * n),
        neighbors=np.zeros((n, 1), dtype=np.int64),
        distances=np.zeros((n, 1), dtype=np.float32),
        probabilities=np.zeros((n, 3), dtype=np.float32),
    )


def test_the_surest_image_of_each_class_comes_before_the_surest_of_the_rest() -> None:
    found = answers([0, 0, 0, 1, 2, 0], [0.9, 0.8, 0.7, 0.6, 0.95, 0.5])
    order = np.argsort(-found.confidence)
    assert spread_over_classes(order, found) == [4, 0, 3, 1, 2, 5]
    many = answers(list(range(20)), [1 - i / 100 for i in range(20)])
    assert spread_over_classes(np.arange(20), many) == list(range(MOST_CARDS))


def test_what_comes_next_is_written_as_a_shell_reads_it() -> None:
    assert next_steps(Path("runs/my pets"))[0][0] == "ilk map 'runs/my pets'"
