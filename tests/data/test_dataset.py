"""A dataset counts what it holds, and refuses what cannot be trained on."""

from __future__ import annotations

import numpy as np
import pytest

from ilk.data import UNLABELED, Dataset, Skipped
from ilk.errors import NoImagesError, NoLabelsError, OneClassError


def dataset(targets: list[int], channels: int = 1, hint: str = "") -> Dataset:
    n = len(targets)
    return Dataset(
        images=np.arange(n * channels * 4, dtype=np.uint8).reshape(n, channels, 2, 2),
        names=tuple(map(str, range(n))),
        targets=np.array(targets, dtype=np.int64),
        classes=("cat", "dog", "owl"),
        source="pets",
        skipped=(Skipped("x.png", "it is empty"),),
        hint=hint,
    )


def test_counts() -> None:
    data = dataset([1, UNLABELED, 0, 1])
    assert len(data) == 4
    assert data.found == 5
    assert data.labeled.tolist() == [0, 2, 3]
    assert data.counts() == {"cat": 1, "dog": 2, "owl": 0}
    assert data.with_targets(np.full(4, 2)).counts() == {"cat": 0, "dog": 0, "owl": 4}
    data.require_trainable()


def test_gray_images_are_repeated_in_color_and_color_ones_stay() -> None:
    gray, color = dataset([0, 1]), dataset([0, 1], channels=3)
    assert (gray.in_color().images == gray.images).all()
    assert gray.in_color().images.shape == (2, 3, 2, 2)
    assert color.in_color() is color


@pytest.mark.parametrize(
    ("targets", "error", "words"),
    [
        ([], NoImagesError, "1 skipped"),
        ([UNLABELED] * 3, NoLabelsError, r"none of its 3 images.*Look there\."),
        ([2, UNLABELED, 2], OneClassError, r"all 2 labels.*'owl'.*Look there\."),
    ],
)
def test_what_cannot_be_trained_on_is_refused(targets: list[int], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        dataset(targets, hint="Look there.").require_trainable()
