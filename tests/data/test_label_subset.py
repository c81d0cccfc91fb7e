"""Laws of hiding labels."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from ilk.data import Dataset, from_arrays, hide_labels
from ilk.errors import NoLabelsError, TooFewLabelsError, UsageError

N = 60


@pytest.fixture
def dataset() -> Dataset:
    generator = np.random.default_rng(5)
    y = np.array([0] * 30 + [1] * 18 + [2] * 12)
    return from_arrays(generator.integers(0, 256, (N, 28, 28), dtype=np.uint8), y[generator.permutation(N)])


@pytest.mark.parametrize("per_class", [1, 5, 12])
def test_balanced_and_true(dataset: Dataset, per_class: int) -> None:
    hidden = hide_labels(dataset, per_class=per_class, subset=0)
    assert hidden.counts() == {"0": per_class, "1": per_class, "2": per_class}
    assert np.array_equal(hidden.targets[hidden.labeled], dataset.targets[hidden.labeled])
    assert hidden.names == dataset.names


def test_the_subset_alone_decides(dataset: Dataset) -> None:
    chosen = [hide_labels(dataset, per_class=5, subset=s).labeled.tolist() for s in (0, 0, 1, 2)]
    assert chosen[0] == chosen[1]
    assert chosen[0] != chosen[2] != chosen[3]


def test_the_order_of_the_images_does_not_matter(dataset: Dataset) -> None:
    order = np.random.default_rng(1).permutation(N)
    shuffled = replace(
        dataset,
        images=dataset.images[order],
        targets=dataset.targets[order],
        names=tuple(dataset.names[i] for i in order),
    )
    first, second = (hide_labels(d, per_class=3, subset=4) for d in (dataset, shuffled))
    assert {first.names[i] for i in first.labeled} == {second.names[i] for i in second.labeled}


def test_every_image_of_a_class_can_be_chosen(dataset: Dataset) -> None:
    seen = {i for s in range(60) for i in hide_labels(dataset, per_class=3, subset=s).labeled.tolist()}
    assert len(seen) == N


def test_hidden_labels_are_nowhere_in_the_result(dataset: Dataset) -> None:
    before = dataset.targets.copy()
    hidden = hide_labels(dataset, per_class=2, subset=0)
    for field in fields(hidden):
        value = getattr(hidden, field.name)
        assert value is not dataset.targets
        assert not (isinstance(value, np.ndarray) and np.array_equal(value, before))
    assert hidden.targets.base is None
    assert np.array_equal(dataset.targets, before)


def test_too_few_labels_names_the_class_its_count_and_what_works(dataset: Dataset) -> None:
    with pytest.raises(TooFewLabelsError, match=r"'2' has 12 labels.*`labels_per_class` 12"):
        hide_labels(dataset, per_class=13, subset=0)


def test_what_cannot_be_meant(dataset: Dataset) -> None:
    for per_class, subset in ((0, 0), (1, -1)):
        with pytest.raises(UsageError):
            hide_labels(dataset, per_class=per_class, subset=subset)
    with pytest.raises(NoLabelsError):
        hide_labels(from_arrays(dataset.images[:, 0]), per_class=1, subset=0)
