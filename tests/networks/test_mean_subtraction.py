"""The mean color: taken off before the first convolution of every network, and saved with its weights."""

from __future__ import annotations

import copy

import jaxtyping
import numpy as np
import pytest
import torch
from torch import Tensor, fx, nn

from ilk.errors import UsageError
from ilk.networks import NETWORKS, as_input, build, outline
from ilk.networks.mean_subtraction import mean_color, subtract_mean, subtracts_mean

MEAN = torch.tensor([0.5, -0.25, 1.0])


def pictures() -> Tensor:
    return torch.randint(0, 256, (4, 3, 12, 12), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_the_mean_is_of_each_channel_in_the_unit_of_the_input() -> None:
    images = pictures()
    expected = torch.stack([channel.mean() for channel in as_input(images).transpose(0, 1)])
    torch.testing.assert_close(mean_color(images.numpy()), expected)


def test_the_network_sees_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # what is traced has no shape
    plain, images = build("neighbor-cifar", channels=3).eval(), as_input(pictures())
    centered = copy.deepcopy(plain)
    subtract_mean(centered, MEAN)
    subtract_mean(centered, MEAN)  # once is enough
    assert subtracts_mean(centered)
    assert not subtracts_mean(plain)
    expected = plain(images - MEAN[:, None, None])
    assert not torch.allclose(plain(images), expected)
    torch.testing.assert_close(centered(images), expected)
    torch.testing.assert_close(copy.deepcopy(centered)(images), expected)
    torch.testing.assert_close(fx.symbolic_trace(centered)(images), expected)


def test_the_mean_is_saved_with_the_weights_and_trained_by_nobody() -> None:
    network, other = (build("neighbor-cifar", channels=3) for _ in range(2))
    subtract_mean(network, MEAN)
    subtract_mean(other, torch.zeros(3))
    other.load_state_dict(network.state_dict())
    assert torch.equal(other.state_dict()["features.0.mean"], MEAN)
    assert {name for name, _ in network.named_modules()} == {name for name, _ in other.named_modules()}
    assert "features.0.mean" not in dict(network.named_parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_the_first_convolution_of_every_network_is_the_first_to_see_the_image(name: str) -> None:
    network = outline(name, channels=3).eval()
    side, seen = max(32, NETWORKS[name].smallest), []
    subtract_mean(network, torch.zeros(3, device="meta"))
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda layer, given, found: seen.append(layer))
    network(torch.empty(1, 3, side, side, device="meta"))
    assert hasattr(seen[0], "mean")
    assert not any(hasattr(layer, "mean") for layer in seen[1:])


@pytest.mark.parametrize("network", [nn.Linear(3, 2), nn.Conv2d(1, 2, 3)])
def test_a_network_of_other_images_is_refused(network: nn.Module) -> None:
    with pytest.raises(UsageError, match="3 means"):
        subtract_mean(network, MEAN)


def test_a_mean_of_many_images_loses_no_digits() -> None:
    images = np.full((2000, 1, 32, 32), 255, dtype=np.uint8)
    assert mean_color(images).item() == 127 / 128


def test_the_mean_of_many_images_is_exact_and_taken_batch_by_batch() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1203, 3, 7, 5), dtype=np.uint8)
    expected = (pixels.mean(axis=(0, 2, 3), dtype=np.float64) - 128) / 128
    assert mean_color(pixels).tolist() == expected.astype(np.float32).tolist()
