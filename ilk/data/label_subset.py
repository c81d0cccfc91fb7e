"""Keep a balanced subset of the labels and drop the rest, for an experiment with few labels."""

from __future__ import annotations

import numpy as np

from ilk.data.dataset import UNLABELED, Dataset
from ilk.errors import NoLabelsError, TooFewLabelsError, UsageError


def hide_labels(dataset: Dataset, *, per_class: int, subset: int) -> Dataset:
    """The same images with exactly `per_class` labels in each class; the other labels are dropped, not only marked.

    Which labels stay depends on the names of the labeled images and on `subset` alone, not on their order.

    Args:
        dataset: with at least `per_class` labels in each class.
        per_class: labels to keep in each class, from 1.
        subset: which of the random choices, from 0; the same number makes the same choice.

    Raises:
        UsageError: `per_class` is below 1 or `subset` is negative.
        NoLabelsError: there is no label to keep.
        TooFewLabelsError: a class has fewer labels; the message names it, and the largest number that works.
    """
    if per_class < 1 or subset < 0:
        raise UsageError(f"`labels_per_class` {per_class} `subset` {subset}: allowed are from 1 and from 0.")
    counts = dataset.counts()
    if not any(counts.values()):
        raise NoLabelsError(f"{dataset.source}: there are no labels, so {per_class} per class cannot be kept.")
    fewest = min(counts, key=lambda name: counts[name])
    if counts[fewest] < per_class:
        remedy = f"The largest that works is `labels_per_class` {counts[fewest]}." if counts[fewest] else "Label some."
        raise TooFewLabelsError(
            f"{dataset.source}: class {fewest!r} has {counts[fewest]} labels, and {per_class} per class are asked for. "
            f"{remedy}"
        )
    generator = np.random.default_rng(subset)
    targets = np.full(len(dataset), UNLABELED, dtype=np.int64)
    by_name = np.array(sorted(range(len(dataset)), key=dataset.names.__getitem__), dtype=np.int64)
    for number in range(len(dataset.classes)):
        members = by_name[dataset.targets[by_name] == number]
        targets[generator.choice(members, per_class, replace=False)] = number
    return dataset.with_targets(targets)
