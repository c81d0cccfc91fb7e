"""VGG's recipe: the numbers of its paper, and a run by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ilk.data import from_arrays
from ilk.errors import UsageError
from ilk.networks.mean_subtraction import subtracts_mean
from ilk.recipes import fit, vgg_settings
from ilk.sampling import Sampler
from ilk.training.loop import sampler_of


def images_in(sampler: Sampler) -> int:
    step = sampler.step(0)
    return step.references.numel() + step.queries.numel() + 2 * step.pool.numel()


def test_the_numbers_are_those_of_the_paper() -> None:
    settings = vgg_settings(10, epochs=74.0)
    assert (settings.momentum, settings.weight_decay, settings.learning_rate) == (0.9, 5e-4, 1e-2)
    assert (settings.dropout, settings.schedule, settings.subtract_mean) == (0.5, "plateau", True)
    assert not settings.nesterov


@pytest.mark.parametrize(("classes", "batch"), [(2, 256), (10, 256), (100, 256), (3, 5)])
def test_a_step_holds_a_batch_of_images(classes: int, batch: int) -> None:
    targets = torch.arange(4 * classes) % classes
    assert images_in(sampler_of(targets, vgg_settings(classes, epochs=1.0, batch=batch))) == batch


def test_a_batch_without_room_for_queries_is_refused() -> None:
    for classes, batch in ((10, 10), (100, 64), (1, 256)):
        with pytest.raises(UsageError, match="do not fit a batch"):
            vgg_settings(classes, epochs=1.0, batch=batch)


def test_a_network_with_dropout_trains_by_it() -> None:
    draws = np.random.default_rng(0)
    dataset = from_arrays(draws.integers(0, 256, (12, 39, 39, 3)).astype(np.uint8), [0, 1] * 6, size=39)
    settings = replace(vgg_settings(2, epochs=0.5, batch=7), learning_rate=1e-3)
    fitted = fit(dataset, settings, network="nin")
    assert np.isfinite(fitted.points).all()
    assert subtracts_mean(fitted.space.network)
    assert not np.allclose(fit(dataset, replace(settings, dropout=0.0), network="nin").points, fitted.points)
    with pytest.raises(UsageError, match="no dropout"):
        fit(dataset, settings, network="resnet-18")
