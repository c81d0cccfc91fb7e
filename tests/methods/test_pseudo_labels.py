"""What images begin with: labels spread over their pixels, where hidden labels bear it out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from ilk.recipes.initial_pseudo_labels import believe, pixel_points
from sklearn.datasets import load_digits

from ilk.data import Dataset, from_arrays, hide_labels
from ilk.recipes import fit
from ilk.recipes import initial_pseudo_labels as believing
from ilk.training import Callbacks, Settings

SETTINGS = Settings(epochs=1.0)


def digits() -> Dataset:
    found = load_digits()
    return from_arrays((found.images * (255 / 16)).round().astype(np.uint8), found.target)


def noise() -> Dataset:
    draw = np.random.default_rng(0)
    return from_arrays(draw.integers(0, 256, (300, 8, 8), dtype=np.uint8), draw.integers(0, 3, 300))


def test_most_digits_begin_with_their_class_and_few_with_another() -> None:
    whole = digits()
    few = hide_labels(whole, per_class=10, subset=0)
    beliefs, sentence = believe(few, SETTINGS)
    assert beliefs is not None
    certain, right = beliefs.certain.numpy(), beliefs.classes.numpy() == whole.targets
    unlabeled = few.targets < 0
    assert 0.5 < certain[unlabeled].mean() <= 0.9
    assert right[certain & unlabeled].mean() > 0.95
    assert right[few.labeled].all()
    assert sentence.startswith("labels spread over alike pixels find 9")
    assert sentence.endswith(f"; {certain[unlabeled].mean():.0%} of the unlabeled images begin with a class")


def test_where_the_pixels_say_nothing_nothing_is_believed_and_that_is_said() -> None:
    beliefs, sentence = believe(hide_labels(noise(), per_class=20, subset=0), SETTINGS)
    assert beliefs is None
    assert sentence.endswith("of hidden ones: not used")


@pytest.mark.parametrize("off", [{"spread_share": 0.0}, {"consistency_weight": 0.0}, {"pool": 0}])
def test_it_is_not_done_where_it_is_not_asked_for_or_of_no_use(off: dict) -> None:
    few = hide_labels(digits(), per_class=10, subset=0)
    assert believe(few, replace(SETTINGS, **off)) == (None, "")
    assert believe(digits(), SETTINGS) == (None, "")  # all labeled


def test_of_very_many_images_a_random_part_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    few = hide_labels(digits(), per_class=10, subset=0)
    monkeypatch.setattr(believing, "LARGEST_GRAPH", 600)
    beliefs, sentence = believe(few, SETTINGS)
    assert beliefs is not None
    assert 0.5 * 500 < beliefs.certain[torch.from_numpy(few.targets < 0)].sum() <= 0.9 * 500
    assert "% of the unlabeled images begin with a class" in sentence
    monkeypatch.setattr(believing, "LARGEST_TABLE", 1000)
    assert believe(few, SETTINGS) == (None, "")


def test_pixels_are_made_coarse_and_few() -> None:
    draw = np.random.default_rng(0)
    large = draw.integers(0, 256, (50, 3, 40, 56), dtype=np.uint8)
    assert pixel_points(large, np.arange(50)).shape == (50, 32)
    assert pixel_points(large, np.arange(5)).shape == (5, 5)
    # Blocks of pixels count as their mean: another order within a block is the same image.
    turned = large.reshape(50, 3, 40, 14, 4)[..., ::-1].reshape(large.shape)
    apart = [
        np.linalg.norm(points[:1] - points, axis=1)
        for points in (pixel_points(large, np.arange(50)), pixel_points(turned, np.arange(50)))
    ]
    np.testing.assert_allclose(apart[0], apart[1], atol=1e-3)


def test_a_fit_says_what_it_begins_with_and_learns_from_it() -> None:
    few, said = hide_labels(digits(), per_class=10, subset=0), []
    settings = Settings(epochs=1.0, pool=48, queries=16, spread_until=1.0)
    with_it = fit(few, settings, callbacks=Callbacks(say=said.append))
    assert len(said) == 1
    assert "begin with a class" in said[0]
    without = fit(few, replace(settings, spread_share=0.0), callbacks=Callbacks(say=said.append))
    assert len(said) == 1
    assert with_it.history[-1]["consistency"] > without.history[-1]["consistency"]
