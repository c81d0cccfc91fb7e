"""The images of the self-test are the same everywhere; answers that are no longer given are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ilk.errors import ModelError
from ilk.model.self_test import TOLERANCE, compare, run_self_test, self_test_images, self_test_of
from tests.model.test_space import SIDE, space

SPACE = space()
TEST = self_test_of(SPACE.network, SPACE.classifier, 1, (SIDE, SIDE))


@pytest.mark.parametrize(("channels", "size"), [(1, (28, 28)), (3, (32, 32)), (3, (7, 50)), (1, (1, 1))])
def test_self_test_images_are_drawn_from_a_fixed_seed(channels: int, size: tuple[int, int]) -> None:
    images = self_test_images(channels, size)
    assert images.shape == (5, channels, *size)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, self_test_images(channels, size))


def test_self_test_images_go_from_coarse_to_fine() -> None:
    shades = [len(np.unique(image)) for image in self_test_images(1, (32, 32))]
    assert shades == sorted(shades)
    assert shades[0] == 4
    assert shades[-1] > 200


def test_a_model_passes_its_own_self_test() -> None:
    assert run_self_test(SPACE.network, SPACE.classifier, TEST) == 0
    np.testing.assert_array_equal(TEST.embeddings, SPACE.embed(TEST.images))
    answers = SPACE.classifier.predict(TEST.embeddings)
    np.testing.assert_array_equal(TEST.labels, answers.label)
    np.testing.assert_array_equal(TEST.nearest, answers.neighbors[:, 0])


def scaled(factor: float) -> np.ndarray:
    """The points of the self-test, one number moved by this fraction of their root mean square."""
    points = TEST.embeddings.astype(np.float64)
    points[2, 3] += factor * np.sqrt((points**2).mean())
    return points.astype(np.float32)


@pytest.mark.parametrize(("factor", "refused"), [(0.9, False), (-0.9, False), (1.2, True), (-1.2, True)])
def test_the_tolerance_is_a_fraction_of_the_root_mean_square(factor: float, refused: bool) -> None:
    other = replace(TEST, embeddings=scaled(factor * TOLERANCE))
    if not refused:
        assert run_self_test(SPACE.network, SPACE.classifier, other) == pytest.approx(0.9 * TOLERANCE, rel=0.01)
        return
    with pytest.raises(ModelError, match="off by"):
        run_self_test(SPACE.network, SPACE.classifier, other)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": (TEST.labels + 1) % 3}, "otherwise"),
        ({"confidence": np.abs(TEST.confidence - 2e-4)}, "otherwise"),
        ({"nearest": (TEST.nearest + 1) % 12}, "nearest"),
    ],
)
def test_another_answer_is_refused(change: dict, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        run_self_test(SPACE.network, SPACE.classifier, replace(TEST, **change))


def test_other_weights_are_found() -> None:
    other = space()
    with torch.no_grad():
        next(other.network.parameters())[0, 0, 2, 2] += 1e-2
    with pytest.raises(ModelError, match="off by"):
        run_self_test(other.network, SPACE.classifier, TEST)


def test_a_point_that_is_no_number_is_refused() -> None:
    points = np.full_like(TEST.embeddings, np.nan)
    with pytest.raises(ModelError, match="off by nan"):
        compare(SPACE.classifier, points, TEST.embeddings, TEST.nearest, "these images")


def test_of_two_labeled_images_equally_near_either_will_do() -> None:
    classifier = replace(SPACE.classifier, points=np.repeat(SPACE.classifier.points[::2], 2, axis=0))
    points = classifier.points[[0, 4]]
    for nearest in ([0, 4], [1, 5], [0, 5]):
        assert compare(classifier, points, points, np.array(nearest), "these images") == 0
    with pytest.raises(ModelError, match="nearest"):
        compare(classifier, points, points, np.array([2, 4]), "these images")
