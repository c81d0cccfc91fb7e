"""VGG's recipe: the numbers of its paper, and a run by it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ilk.data import from_arrays
from ilk.data.image_source import DeviceImages
from ilk.errors import UsageError
from ilk.methods import NeighborMethod, NeighborSettings
from ilk.networks import build
from ilk.networks.mean_subtraction import subtracts_mean
from ilk.recipes import fit, vgg_settings
from ilk.sampling import Sampler


def images_in(sampler: Sampler) -> int:
    step = sampler.step(0)
    return step.references.numel() + step.queries.numel() + 2 * step.pool.numel()


def test_the_numbers_are_those_of_the_paper() -> None:
    settings, method = vgg_settings(10, epochs=74.0)
    assert (settings.momentum, settings.weight_decay, settings.learning_rate) == (0.9, 5e-4, 1e-2)
    assert (settings.dropout, settings.schedule, settings.subtract_mean) == (0.5, "plateau", True)
    assert not settings.nesterov
    assert settings.optimizer == "sgd"
    assert method == replace(NeighborSettings(), sets=1, queries=method.queries, pool=82, sampled_classes=10)


@pytest.mark.parametrize(("classes", "batch"), [(2, 256), (10, 256), (100, 256), (3, 5)])
def test_a_step_holds_a_batch_of_images(classes: int, batch: int) -> None:
    targets = torch.arange(4 * classes) % classes
    settings, options = vgg_settings(classes, epochs=1.0, batch=batch)
    network, images = build("neighbor-mnist", channels=1), torch.zeros(4 * classes, 1, 8, 8, dtype=torch.uint8)
    method = NeighborMethod(network, DeviceImages(images), targets, settings, options)
    assert images_in(method.sampler(0)) == batch


def test_a_batch_without_room_for_queries_is_refused() -> None:
    for classes, batch in ((10, 10), (100, 64), (1, 256)):
        with pytest.raises(UsageError, match="do not fit a batch"):
            vgg_settings(classes, epochs=1.0, batch=batch)


def test_a_network_with_dropout_trains_by_it() -> None:
    draws = np.random.default_rng(0)
    dataset = from_arrays(draws.integers(0, 256, (12, 39, 39, 3)).astype(np.uint8), [0, 1] * 6, size=39)
    settings, method = vgg_settings(2, epochs=0.5, batch=7)
    settings = replace(settings, learning_rate=1e-3)
    fitted = fit(dataset, settings, method=method, network="nin")
    assert np.isfinite(fitted.points).all()
    assert subtracts_mean(fitted.space.network)
    without = fit(dataset, replace(settings, dropout=0.0), method=method, network="nin").points
    assert not np.allclose(without, fitted.points)
    with pytest.raises(UsageError, match="no dropout"):
        fit(dataset, settings, method=method, network="resnet-18")
