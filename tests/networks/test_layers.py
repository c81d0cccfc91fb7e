"""Layers by name: what runs before one, and what it gives, told by hand and by a network that is cut off there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ilk.errors import UsageError
from ilk.networks import as_input, build
from ilk.networks.embedding import batch_for
from ilk.networks.layers import embed_layer, find_layer, layers_up_to
from ilk.shapes import Pixels


def pixels(count: int = 5, side: int = 12) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (count, 1, side, side)).astype(np.uint8)


def network() -> nn.Module:
    """With running means of its own, and in training mode, which must come back."""
    built = build("neighbor-mnist", channels=1, dim=6)
    built(torch.randn(20, 1, 12, 12, generator=torch.Generator().manual_seed(1)))
    return built


class Fork(nn.Module):
    """Two branches, of which the one that is named last runs first, and a layer that nothing uses."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(1, 2, 1)
        self.left, self.right = nn.Conv2d(2, 2, 1), nn.Sequential(nn.Conv2d(2, 2, 1), nn.ReLU(inplace=True))
        self.unused, self.loose = nn.Linear(2, 2), nn.LSTM(2, 3, batch_first=True)
        self.embedding = nn.Linear(3, 2)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.stem(images)
        right = self.right(maps)
        return self.embedding(self.loose((self.left(maps) + right).mean((2, 3))[:, None])[0][:, 0])


def names_of(network: nn.Module, layers: list[nn.Module]) -> list[str]:
    return [{module: name for name, module in network.named_modules()}[layer] for layer in layers]


def test_layers_run_in_the_order_of_the_forward_pass_not_of_their_names() -> None:
    fork = Fork()
    assert names_of(fork, layers_up_to(fork, "right.0", (1, 3, 3))) == ["stem", "right.0"]
    assert names_of(fork, layers_up_to(fork, "left", (1, 3, 3))) == ["stem", "right.0", "right.1", "right", "left"]
    assert fork.training
    assert not any(module._forward_hooks for module in fork.modules())


def test_a_block_is_a_layer() -> None:
    names = names_of(found := network(), layers_up_to(found, "features", (1, 12, 12)))
    assert names == [*(f"features.{i}" for i in range(len(found.features))), "features"]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["features.0", "features.5", "features"])
def test_maps_are_averaged_or_kept_whole(name: str) -> None:
    found, images = network(), pixels()
    end = len(found.features) if name == "features" else int(name[9:]) + 1  # type: ignore[arg-type]
    cut = found.features.eval()[:end]  # type: ignore[operator, index]
    with torch.no_grad():
        maps = cut(as_input(torch.from_numpy(images))).numpy()
    found.train()
    (mean,), (flat,) = embed_layer(found, images, name), embed_layer(found, images, name, flat=True)
    np.testing.assert_allclose(mean, maps.mean((2, 3)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(flat, maps.reshape(len(images), -1), rtol=1e-4, atol=1e-6)
    assert found.training
    assert not find_layer(found, name)._forward_hooks


def test_a_vector_is_the_same_both_ways_and_the_last_layer_gives_the_embedding() -> None:
    found, images = network(), pixels()
    (points,), (flat,) = embed_layer(found, images, "embedding"), embed_layer(found, images, "embedding", flat=True)
    with torch.no_grad():
        expected = found.eval()(as_input(torch.from_numpy(images))).numpy()
    np.testing.assert_array_equal(points, expected)
    np.testing.assert_array_equal(flat, expected)


def test_a_layer_s_output_is_taken_before_another_writes_over_it() -> None:
    fork, images = Fork(), pixels(3, 4)
    (before,), (after,) = (embed_layer(fork, images, name, flat=True) for name in ("right.0", "right.1"))
    assert (before < 0).any()
    np.testing.assert_array_equal(np.maximum(before, 0), after)


def test_parts_follow_one_another_and_progress_is_told() -> None:
    found, images, told = network(), pixels(1001), []
    parts = list(embed_layer(found, images, "features.3", on_progress=lambda done, total: told.append((done, total))))
    assert [len(part) for part in parts] == [500, 500, 1]
    assert told == [(500, 1001), (1000, 1001), (1001, 1001)]
    (last,) = embed_layer(found, images[-1:], "features.3")
    np.testing.assert_allclose(parts[-1], last, rtol=1e-5)


@pytest.mark.parametrize("name", ["unused", "loose"])
def test_a_layer_without_a_vector_per_image_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=rf"'{name}' gives no vector"):
        list(embed_layer(Fork(), pixels(2, 4), name))
    if name == "unused":
        with pytest.raises(UsageError, match="No image passes through"):
            layers_up_to(Fork(), name, (1, 4, 4))


def test_an_unknown_name_brings_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no layer 'feature\.3'\. Did you mean features\.3 or"):
        find_layer(network(), "feature.3")
    for name in ("", "xyz"):
        with pytest.raises(UsageError, match="The last is embedding"):
            find_layer(network(), name)


def test_batches_shrink_with_large_images() -> None:
    assert [batch_for((9, 3, side, side)) for side in (28, 64, 128, 224, 4000)] == [500, 500, 125, 40, 1]
