"""Which images an evaluation compares, in whose classes, and against which floor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ilk.data import from_arrays
from ilk.errors import ModelError, NoLabelsError
from ilk.runs.evaluation import comparable, learned_from, pixel_errors, unknown_classes
from ilk.storage.run import Run
from ilk.storage.tables import write_manifest


def test_only_labels_that_were_not_learned_from_are_compared() -> None:
    dataset = from_arrays(np.zeros((4, 2, 2), dtype=np.uint8), ["a", None, "b", "a"])
    assert comparable(dataset, np.array([True, False, False, False])).tolist() == [2, 3]
    with pytest.raises(NoLabelsError, match="learned from all 3 labels"):
        comparable(dataset, np.array([True, True, True, True]))


def test_an_image_without_a_label_cannot_be_compared() -> None:
    labeled = from_arrays(np.zeros((2, 2, 2), dtype=np.uint8), ["a", "b"])
    bare = replace(labeled, targets=np.array([-1, -1]))
    with pytest.raises(NoLabelsError, match="no image has a label"):
        comparable(bare, np.array([False, False]))


def test_what_was_learned_from_is_known_by_pixels_and_file_name(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with pytest.raises(ModelError, match="Fit the run again"):
        learned_from(run)
    write_manifest(run.manifest, [("cat/1.png", "cat", "aa"), ("2.png", None, "bb")])
    assert learned_from(run) == ({("aa", "1.png")}, {"bb"})


def test_the_floor_is_the_nearest_labeled_image_by_pixels() -> None:
    draw = np.random.default_rng(0)
    labeled, images = (draw.integers(0, 256, (n, 1, 4, 4), dtype=np.uint8) for n in (9, 30))
    targets, truth = draw.integers(0, 3, 9), draw.integers(0, 3, 30)
    wrong = 0
    for image, label in zip(images.astype(float), truth, strict=True):
        nearest = min(range(9), key=lambda j: ((labeled[j] - image) ** 2).sum())
        wrong += targets[nearest] != label
    assert pixel_errors(labeled, targets, images, truth) == wrong
    assert pixel_errors(None, targets, images, truth) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("Cat", "sun"), "none of its labels (Cat, sun) is a class of this model (cat, dog)."),
        (("Cat", "sun"), "Write 'cat', not 'Cat'."),
        (("cat", "sun"), "learned from every image of the classes that it knows (cat)"),
    ],
)
def test_labels_that_the_model_does_not_know_are_explained(given: tuple[str, ...], words: str) -> None:
    assert words in unknown_classes(given, ("cat", "dog"))
