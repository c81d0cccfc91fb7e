"""Pseudo-labels before the first step: labels propagated over similar pixels, where hidden labels bear it out."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from ilk.data import Dataset, from_arrays, hide_labels
from ilk.data.image_source import source_of
from ilk.methods import NeighborMethod, NeighborSettings, PseudoLabels, pseudo_labels
from ilk.methods.pseudo_labels import initial_pseudo_labels, pixel_points
from ilk.networks import build
from ilk.recipes import fit
from ilk.training import Callbacks, Moment, Settings


def propagated(dataset: Dataset) -> tuple[PseudoLabels | None, str]:
    """As a run with the default settings begins."""
    source, targets = source_of(dataset), torch.from_numpy(dataset.targets)
    return initial_pseudo_labels(source, targets, largest_share=NeighborSettings().spread_share, seed=0)


@functools.cache
def digits() -> Dataset:
    found = load_digits()
    return from_arrays((found.images * (255 / 16)).round().astype(np.uint8), found.target, size=14)


def noise() -> Dataset:
    draw = np.random.default_rng(0)
    return from_arrays(draw.integers(0, 256, (300, 8, 8), dtype=np.uint8), draw.integers(0, 3, 300))


def test_most_digits_begin_with_their_class_and_few_with_another() -> None:
    whole = digits()
    few = hide_labels(whole, per_class=10, subset=0)
    found, sentence = propagated(few)
    assert found is not None
    certain, right = found.certain.numpy(), found.classes.numpy() == whole.targets
    unlabeled = few.targets < 0
    assert 0.5 < certain[unlabeled].mean() <= 0.9
    assert right[certain & unlabeled].mean() > 0.95
    assert right[few.labeled].all()
    assert sentence.startswith("labels spread over alike pixels find 9")
    assert sentence.endswith(f"; {certain[unlabeled].mean():.0%} of the unlabeled images begin with a class")


def test_where_the_pixels_say_nothing_no_image_gets_a_pseudo_label_and_that_is_said() -> None:
    found, sentence = propagated(hide_labels(noise(), per_class=20, subset=0))
    assert found is None
    assert sentence.endswith("of hidden ones: not used")


def method_of(dataset: Dataset, options: NeighborSettings) -> NeighborMethod:
    source, targets = source_of(dataset), torch.from_numpy(dataset.targets)
    return NeighborMethod(build("neighbor-mnist", channels=1), source, targets, Settings(epochs=1.0), options)


@pytest.mark.parametrize(
    "off", [{}, {"spread_share": 0.0}, {"spread_until": 0.0}, {"consistency_weight": 0.0}, {"pool": 0}]
)
def test_it_is_not_done_where_it_is_turned_off_or_of_no_use(off: dict) -> None:
    few, said = hide_labels(digits(), per_class=10, subset=0), []
    method = method_of(few, replace(NeighborSettings(), **off))
    method.prepare(Moment(0, 10, 0, "float32", method.network), said.append)
    assert (method.pseudo_labels is None, len(said)) == ((False, 1) if off == {} else (True, 0))
    assert propagated(digits()) == (None, "")  # all labeled


@pytest.mark.parametrize(
    ("step", "total", "found", "sentences"), [(1, 10, True, 0), (1, None, True, 0), (2, 10, False, 0)]
)
def test_a_resumed_run_propagates_again_while_it_is_early_and_does_not_say_so(
    step: int, total: int | None, found: bool, sentences: int
) -> None:
    few, said = hide_labels(digits(), per_class=10, subset=0), []
    method, first = (method_of(few, NeighborSettings()) for _ in range(2))
    method.prepare(Moment(step, total, 0, "float32", method.network), said.append)
    assert (method.pseudo_labels is not None, len(said)) == (found, 0)
    if method.pseudo_labels is not None:
        first.prepare(Moment(0, total, 0, "float32", method.network), said.append)
        assert first.pseudo_labels is not None
        assert torch.equal(first.pseudo_labels.classes, method.pseudo_labels.classes)
        assert torch.equal(first.pseudo_labels.certain, method.pseudo_labels.certain)


def test_of_very_many_images_a_random_part_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    few = hide_labels(digits(), per_class=10, subset=0)
    monkeypatch.setattr(pseudo_labels, "LARGEST_GRAPH", 600)
    found, sentence = propagated(few)
    assert found is not None
    assert 0.5 * 500 < found.certain[torch.from_numpy(few.targets < 0)].sum() <= 0.9 * 500
    assert "% of the unlabeled images begin with a class" in sentence
    monkeypatch.setattr(pseudo_labels, "LARGEST_TABLE", 1000)
    assert propagated(few) == (None, "")


def test_pixels_are_made_coarse_and_few() -> None:
    draw = np.random.default_rng(0)
    large = draw.integers(0, 256, (50, 3, 40, 56), dtype=np.uint8)
    assert pixel_points(source_of(large), np.arange(50)).shape == (50, 32)
    assert pixel_points(source_of(large), np.arange(5)).shape == (5, 5)
    # Blocks of pixels count as their mean: another order within a block is the same image.
    turned = large.reshape(50, 3, 40, 14, 4)[..., ::-1].reshape(large.shape)
    apart = [
        np.linalg.norm(points[:1] - points, axis=1)
        for points in (pixel_points(source_of(each), np.arange(50)) for each in (large, turned))
    ]
    np.testing.assert_allclose(apart[0], apart[1], atol=1e-3)


def test_a_fit_says_what_it_begins_with_and_learns_from_it() -> None:
    few, said = hide_labels(digits(), per_class=10, subset=0), []
    settings, method = Settings(epochs=1.0), NeighborSettings(pool=48, queries=16, spread_until=1.0)
    with_it = fit(few, settings, method=method, callbacks=Callbacks(say=said.append))
    assert len(said) == 1
    assert "begin with a class" in said[0]
    without = fit(few, settings, method=replace(method, spread_share=0.0), callbacks=Callbacks(say=said.append))
    assert len(said) == 1
    assert with_it.history[-1]["consistency"] > without.history[-1]["consistency"]
