"""A picture to look at: from its file, upright, in its proportions; the dataset's pixels where there is no file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ilk.data import from_arrays, load
from ilk.data.thumbnails import picture_of
from ilk.errors import UsageError

ORIENTATION = 0x0112


def test_a_photograph_lying_on_its_side_stands_upright_in_its_proportions(tmp_path: Path) -> None:
    lying = np.zeros((300, 900, 3), dtype=np.uint8)
    lying[:, :450] = (250, 0, 0)
    lying[:, 450:] = (0, 0, 250)
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # turn it a quarter clockwise: left comes up
    Image.fromarray(lying).save(tmp_path / "a.jpg", exif=exif, quality=95)
    picture = picture_of(load(tmp_path), 0, 90)
    assert (picture.dtype, picture.shape) == (np.uint8, (3, 90, 30))
    assert np.abs(picture[:, :40].astype(int) - np.array([250, 0, 0])[:, None, None]).max() < 12
    assert np.abs(picture[:, 50:].astype(int) - np.array([0, 0, 250])[:, None, None]).max() < 12


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [((40, 20), 64, (20, 40)), ((40, 20), 40, (20, 40)), ((1000, 1), 10, (1, 10)), ((333, 1000), 100, (100, 33))],
)
def test_the_longer_side_fits_and_nothing_is_enlarged(
    tmp_path: Path, size: tuple[int, int], side: int, expected: tuple[int, int]
) -> None:
    for form in ("png", "jpg"):
        Image.new("L", size, 90).save(tmp_path / f"a.{form}")
        picture = picture_of(load(tmp_path / f"a.{form}"), 0, side)
        assert picture.shape == (1, *expected)
        assert np.abs(picture.astype(int) - 90).max() <= 1


def test_a_file_as_large_as_allowed_keeps_its_pixels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    (tmp_path / "sub").mkdir()
    Image.fromarray(pixels).save(tmp_path / "sub" / "a.png")
    assert np.array_equal(picture_of(load(tmp_path), 0, 50), pixels.transpose(2, 0, 1))


@pytest.mark.parametrize("content", [None, b"", b"<html>", "folder"])
def test_where_the_file_is_gone_or_damaged_the_own_pixels_stand_in(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (64, 64), (10, 20, 30)).save(path)
    dataset = load(tmp_path)
    path.unlink()
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    assert picture_of(dataset, 0, 100).tolist() == dataset.images[0].tolist()
    assert picture_of(dataset, 0, 16).shape == (3, 16, 16)


def test_arrays_have_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 20, 30), dtype=np.uint8)
    Image.new("L", (5, 5)).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    dataset = from_arrays(images, names=["a.png", "b.png"], size=(20, 30))
    assert np.array_equal(picture_of(dataset, 0, 30), images[:1])


def test_the_file_is_only_read(tmp_path: Path) -> None:
    Image.new("L", (5, 5)).save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes(), (tmp_path / "a.png").stat().st_mtime_ns
    picture_of(load(tmp_path), 0, 3)
    assert before == ((tmp_path / "a.png").read_bytes(), (tmp_path / "a.png").stat().st_mtime_ns)


def test_a_side_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="side 0 cannot be"):
        picture_of(from_arrays(np.zeros((1, 4, 4), dtype=np.uint8)), 0, 0)
