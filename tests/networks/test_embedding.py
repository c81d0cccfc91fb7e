"""Images to points in evaluation mode: the same in any batch, nothing left changed behind."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ilk.data.image_source import ArrayImages, open_images, source_of
from ilk.errors import ShapeError
from ilk.networks import as_input, build, embed
from ilk.shapes import Pixels


def some(count: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (count, 1, 10, 10), dtype=np.uint8)


def test_pixels_become_numbers_from_minus_1_to_below_1() -> None:
    pixels = torch.tensor([0, 128, 255, 64], dtype=torch.uint8).view(1, 1, 2, 2)
    assert as_input(pixels).flatten().tolist() == [-1, 0, 127 / 128, -0.5]
    assert as_input(torch.zeros(2, 3, 4, 5, dtype=torch.uint8)).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_as_input_writes_to_a_copy(dtype: torch.dtype) -> None:
    pixels = torch.full((1, 1, 2, 2), 7, dtype=dtype)
    as_input(pixels)
    assert (pixels == 7).all()


def test_the_same_points_in_any_batch_size() -> None:
    network, pixels = build("neighbor-mnist", channels=1), some(11)
    whole = embed(network, pixels)
    assert whole.shape == (11, 128)
    assert whole.dtype == np.float32
    for batch in (1, 4, 11, 50):
        np.testing.assert_allclose(embed(network, pixels, batch=batch), whole, rtol=1e-4, atol=1e-5)


def test_a_source_gives_the_points_of_its_array_and_is_read_a_batch_at_a_time(tmp_path: Path) -> None:
    network, pixels = build("neighbor-2d", channels=1), some(11)
    np.save(tmp_path / "images.npy", pixels)
    mapped = open_images(tmp_path / "images.npy")
    for source in (mapped, source_of(pixels, torch.device("cpu"))):
        np.testing.assert_array_equal(embed(network, source, batch=4), embed(network, pixels, batch=4))

    class Counted(ArrayImages):
        """Notes how many images are taken at a time."""

        def take(self, positions: Tensor) -> Tensor:
            sizes.append(len(positions))
            return super().take(positions)

    sizes: list[int] = []
    embed(network, Counted(pixels), batch=4)
    assert sizes == [4, 4, 3]


def test_is_the_network_in_evaluation_mode() -> None:
    network, pixels = build("neighbor-2d", channels=1), some(4)
    with torch.no_grad():
        expected = network.eval()(as_input(torch.from_numpy(pixels)))
    np.testing.assert_allclose(embed(network.train(), pixels), expected.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_leaves_mode_weights_statistics_and_images_as_they_were(training: bool) -> None:
    network, pixels = build("neighbor-mnist", channels=1).train(training), some(6)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    pixels.flags.writeable = False
    copy = pixels.copy()
    embed(network, pixels, batch=4)
    assert network.training == training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert (pixels == copy).all()


def test_the_mode_is_put_back_when_the_user_interrupts() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    network = build("neighbor-mnist", channels=1).train()
    with pytest.raises(KeyboardInterrupt):
        embed(network, some(4), on_progress=stop)
    assert network.training


def test_progress_ends_at_the_total() -> None:
    seen: list[tuple[int, int]] = []
    embed(
        build("neighbor-2d", channels=1), some(7), batch=3, on_progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(3, 7), (6, 7), (7, 7)]


def test_points_can_be_used_in_training_afterwards() -> None:
    points = torch.from_numpy(embed(build("neighbor-2d", channels=1), some(3)))
    scale = torch.ones(2, requires_grad=True)
    (points * scale).sum().backward()
    assert isinstance(scale.grad, Tensor)


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((0, 1, 10, 10), np.uint8), np.zeros((2, 10, 10), np.uint8), np.zeros((2, 1, 10, 10), np.float32)],
)
def test_refuses_what_is_no_image(pixels: np.ndarray) -> None:
    with pytest.raises(ShapeError, match="uint8"):
        inspect.unwrap(embed)(build("neighbor-mnist", channels=1), pixels)
