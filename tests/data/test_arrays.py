"""Images that are in Python already, with every way to say that a label is unknown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ilk.data import from_arrays
from ilk.errors import NoImagesError, ShapeError, UsageError

GRAY = np.random.default_rng(0).integers(0, 256, (4, 28, 28), dtype=np.uint8)
COLOR = np.random.default_rng(1).integers(0, 256, (4, 28, 28, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "images",
    [GRAY, GRAY[..., None], torch.from_numpy(GRAY), torch.from_numpy(GRAY)[:, None], list(GRAY), list(GRAY[..., None])],
    ids=["array", "array with channel", "tensor", "tensor with channel", "list", "list with channel"],
)
def test_gray_images_in_any_form(images: object) -> None:
    dataset = from_arrays(images)
    assert np.array_equal(dataset.images[:, 0], GRAY)
    assert dataset.gray.all()
    assert dataset.names == ("#0", "#1", "#2", "#3")


def test_color_images_in_any_form() -> None:
    tensor = torch.from_numpy(COLOR).permute(0, 3, 1, 2)
    for images in (COLOR, tensor, list(COLOR), list(tensor), [Image.fromarray(image) for image in COLOR]):
        assert np.array_equal(from_arrays(images).images, COLOR.transpose(0, 3, 1, 2))


def test_a_block_is_resized_as_its_single_images_are() -> None:
    assert np.array_equal(from_arrays(COLOR, size=(9, 13)).images, from_arrays(list(COLOR), size=(9, 13)).images)


def test_a_mixture_with_paths(tmp_path: Path) -> None:
    Image.fromarray(GRAY[0]).save(tmp_path / "a.png")
    path = tmp_path / "a.png"
    dataset = from_arrays([path, str(path), Image.fromarray(GRAY[1]), COLOR[2], tmp_path / "none.png"], list("abcde"))
    assert dataset.names == (f"{path}#0", f"{path}#1", "#2", "#3")
    assert dataset.images.shape == (4, 3, 28, 28)
    assert dataset.classes == ("a", "b", "c", "d")
    assert dataset.skipped[0].file == f"{tmp_path}/none.png"


def test_the_callers_array_is_not_shared() -> None:
    mine = GRAY.copy()
    dataset = from_arrays(mine)
    mine[:] = 0
    assert np.array_equal(dataset.images[:, 0], GRAY)


@pytest.mark.parametrize(
    ("y", "classes", "targets"),
    [
        (np.array([10, 9, -1, 9]), ("9", "10"), [1, 0, -1, 0]),
        (torch.tensor([1, 0, -1, -1]), ("0", "1"), [1, 0, -1, -1]),
        (np.array([1.0, np.nan, 0.0, np.nan]), ("0", "1"), [1, -1, 0, -1]),
        (["cat", "", None, "-1"], ("-1", "cat"), [1, -1, -1, 0]),
        (["b", float("nan"), "a", -1], ("a", "b"), [1, -1, 0, -1]),
        (None, (), [-1, -1, -1, -1]),
    ],
)
def test_labels(y: object, classes: tuple[str, ...], targets: list[int]) -> None:
    dataset = from_arrays(GRAY, y)
    assert dataset.classes == classes
    assert dataset.targets.tolist() == targets


@pytest.mark.parametrize("bad", [GRAY.astype(float), GRAY[0], COLOR[..., :2], torch.from_numpy(COLOR), GRAY[:, :0]])
def test_other_arrays_are_refused_with_their_shape(bad: object) -> None:
    with pytest.raises(ShapeError, match="uint8 arrays"):
        from_arrays(bad)


def test_misfits() -> None:
    with pytest.raises(UsageError, match="3 labels for 4 images"):
        from_arrays(GRAY, [1, 2, 3])
    with pytest.raises(UsageError, match="3 of them different"):
        from_arrays(GRAY, names=["a", "a", "b", "c"])
    with pytest.raises(UsageError, match="single path"):
        from_arrays("photo.jpg")
    with pytest.raises(UsageError, match="of type int"):
        from_arrays([3])
    with pytest.raises(NoImagesError):
        from_arrays([])
