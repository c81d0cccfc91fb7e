"""Cards and pairs of the pages, and the command that made them."""

from __future__ import annotations

import shlex

import numpy as np

from ilk.measures import Confusion
from ilk.report import Card
from ilk.report.limits import MOST_CARDS_OF_PAIR, MOST_PAIRS
from ilk.runs.cards import command_line, confused_pairs


def card(row: int) -> Card:
    return Card(str(row), np.zeros((1, 2, 2), dtype=np.uint8), "a", 0.5, "check")


def test_the_most_frequent_mistakes_come_first_each_with_its_own_images() -> None:
    draw = np.random.default_rng(0)
    truth, answer, names = draw.integers(0, 5, 400), draw.integers(0, 5, 400), "abcde"
    counts = np.zeros((5, 5), dtype=np.int64)
    np.add.at(counts, (truth, answer), 1)
    pairs = confused_pairs(Confusion.from_dense(counts), truth, answer, list(names), card)
    wrong = sorted((counts[i, j] for i in range(5) for j in range(5) if i != j), reverse=True)
    assert [pair.count for pair in pairs] == wrong[:MOST_PAIRS]
    for pair in pairs:
        assert len(pair.images) == min(pair.count, MOST_CARDS_OF_PAIR)
        for image in pair.images:
            row = int(image.name)
            assert (names[truth[row]], names[answer[row]]) == (pair.label, pair.answer)


def test_a_command_is_shown_as_a_shell_reads_it_and_a_program_has_none() -> None:
    words = ["fit", "my pets", "--epochs", "3"]
    assert shlex.split(command_line(words)) == ["ilk", *words]
    assert command_line([]) == ""
