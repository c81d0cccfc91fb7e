"""Cards of the pages: an image, its answer, and the labeled images that the answer rests on."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

import numpy as np

from ilk.data import Dataset, picture_of
from ilk.measures import Confusion, most_frequent_mistakes
from ilk.neighbors import Answers, HeldOut
from ilk.recipes import Space
from ilk.report import Card, ConfusedPair, Neighbor
from ilk.report.limits import IMAGE_SIDE, MOST_CARDS_OF_PAIR, MOST_PAIRS
from ilk.shapes import Pixels


def answer_card(i: int, dataset: Dataset, answers: Answers) -> Card:
    """Image i of a run with its answer and the labeled images that it rests on."""
    return Card(
        name=dataset.names[i],
        image=picture_of(dataset, i, IMAGE_SIDE),
        answer=dataset.classes[answers.label[i]],
        confidence=float(answers.confidence[i]),
        status=str(answers.status[i]),
        truth=dataset.classes[dataset.targets[i]] if dataset.targets[i] >= 0 else None,
        neighbors=neighbor_cards(dataset.labeled[answers.neighbors[i]], answers.distances[i], dataset),
    )


def held_out_card(row: int, held_out: HeldOut, dataset: Dataset) -> Card:
    """A labeled image with the answer that the other labeled images give it."""
    labeled = dataset.labeled
    i = int(labeled[held_out.positions[row]])
    return Card(
        name=dataset.names[i],
        image=picture_of(dataset, i, IMAGE_SIDE),
        answer=dataset.classes[held_out.label[row]],
        confidence=float(held_out.confidence[row]),
        status="check",
        truth=dataset.classes[dataset.targets[i]],
        neighbors=neighbor_cards(labeled[held_out.neighbors[row]], held_out.distances[row], dataset),
    )


def neighbor_cards(positions: np.ndarray, distances: np.ndarray, dataset: Dataset) -> tuple[Neighbor, ...]:
    """Labeled images of a run by their positions in its data, with their distances."""
    return tuple(
        Neighbor(
            dataset.names[j], picture_of(dataset, int(j), IMAGE_SIDE), dataset.classes[dataset.targets[j]], float(d)
        )
        for j, d in zip(positions, distances, strict=True)
    )


def reference_cards(
    positions: np.ndarray, distances: np.ndarray, space: Space, labeled: Pixels | None
) -> tuple[Neighbor, ...]:
    """Labeled images of a finished run by their positions among them; none where it kept no pixels."""
    if labeled is None:
        return ()
    classes, targets = space.classes, space.classifier.targets
    return tuple(
        Neighbor(space.reference_names[j], labeled[j], classes[targets[j]], float(distance))
        for j, distance in zip(positions, distances, strict=True)
    )


def confused_pairs(
    counts: Confusion,
    truth: np.ndarray,
    answer: np.ndarray,
    classes: Sequence[str],
    card: Callable[[int], Card],
) -> list[ConfusedPair]:
    """The most frequent mistakes, each with some of its images.

    Args:
        counts: shape (C, C), rows are the labels, columns the answers.
        truth, answer: shape (n,), class numbers.
        classes: the C names.
        card: makes the card of one of the n images.
    """
    return [
        ConfusedPair(
            classes[mistake.truth],
            classes[mistake.answer],
            mistake.count,
            tuple(
                card(int(row))
                for row in np.flatnonzero((truth == mistake.truth) & (answer == mistake.answer))[:MOST_CARDS_OF_PAIR]
            ),
        )
        for mistake in most_frequent_mistakes(counts, MOST_PAIRS)
    ]


def command_line(words: Sequence[str]) -> str:
    """The command that made a page, as a shell reads it; empty where a program made it."""
    return shlex.join(["ilk", *words]) if words else ""
