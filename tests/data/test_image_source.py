"""Images by position: the same from memory, from a device and from a file, and never all of them at once."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ilk.data import from_arrays
from ilk.data.image_source import ArrayImages, DeviceImages, ImageSource, batches, open_images, source_of
from ilk.errors import DataError, ShapeError
from ilk.shapes import Pixels

CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pixels() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (23, 3, 5, 4), dtype=np.uint8)


@pytest.fixture(params=["array", "read-only", "device", "dataset", "file", "file in Fortran's order"])
def source(request: pytest.FixtureRequest, pixels: Pixels, tmp_path: Path) -> ImageSource:
    if request.param == "array":
        return source_of(pixels)
    if request.param == "read-only":
        given = pixels.copy()
        given.flags.writeable = False
        return source_of(given, CPU)
    if request.param == "device":
        return source_of(pixels, CPU)
    if request.param == "dataset":
        return source_of(from_arrays(pixels.transpose(0, 2, 3, 1), size=(5, 4)))
    np.save(tmp_path / "images.npy", np.asfortranarray(pixels) if "Fortran" in request.param else pixels)
    return open_images(tmp_path / "images.npy")


def test_every_source_gives_the_images_at_the_positions(source: ImageSource, pixels: Pixels) -> None:
    assert isinstance(source, ImageSource)
    assert source_of(source) is source
    assert (len(source), source.shape) == (23, (23, 3, 5, 4))
    for positions in ([3], [22, 0, 0, 7], [], list(range(23))):
        taken = source.take(torch.tensor(positions, dtype=torch.int64))
        np.testing.assert_array_equal(taken.numpy(), pixels[positions])


@pytest.mark.parametrize("size", [1, 5, 23, 100])
def test_the_batches_are_all_images_in_order(source: ImageSource, pixels: Pixels, size: int) -> None:
    parts = [part.numpy() for part in batches(source, size)]
    assert max(map(len, parts)) <= size
    np.testing.assert_array_equal(np.concatenate(parts), pixels)


def test_what_is_taken_is_a_copy(source: ImageSource, pixels: Pixels) -> None:
    source.take(torch.tensor([2])).fill_(0)
    np.testing.assert_array_equal(source.take(torch.tensor([2])).numpy(), pixels[[2]])


def test_only_a_device_makes_a_copy(pixels: Pixels) -> None:
    assert source_of(pixels).array is pixels
    assert isinstance(source_of(pixels, CPU), DeviceImages)


def test_a_mapped_file_takes_the_memory_of_what_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "images.npy"
    mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(40_000, 1, 100, 100))  # 400 MB
    mapped[12_345] = 7
    del mapped
    code = (
        "import resource, sys, torch; from pathlib import Path; from ilk.data.image_source import open_images\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "source = open_images(Path(sys.argv[1]))\n"
        "assert source.take(torch.tensor([12345, 39999])).sum((1, 2, 3)).tolist() == [70000, 0]\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, cwd=ROOT)
    kilobytes = int(done.stdout) / (1024 if sys.platform == "darwin" else 1)
    assert kilobytes < 50_000


def test_a_mapped_file_cannot_be_written_through(pixels: Pixels, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", pixels)
    source = open_images(tmp_path / "images.npy")
    with pytest.raises(ValueError, match="read-only"):
        source.array[0] = 0


@pytest.mark.parametrize("array", [np.zeros((2, 1, 3, 3), np.float32), np.zeros((2, 3, 3), np.uint8)])
def test_other_arrays_are_refused(array: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", array)
    with pytest.raises(ShapeError, match="must be uint8"):
        ArrayImages(array)
    with pytest.raises(DataError, match="uint8 of shape"):
        open_images(tmp_path / "images.npy")


def test_objects_are_never_unpacked(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.array([[1, "x"]], dtype=object))
    with pytest.raises(DataError, match=r"no \.npy file of images"):
        open_images(tmp_path / "images.npy")


def test_damaged_files_are_refused_in_a_sentence(pixels: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "images.npy"
    with pytest.raises(DataError, match="cannot be read"):
        open_images(path)
    np.save(path, pixels)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for length in (0, 5, 11, 64, 128, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"numpy\.save|Copy it again"):
            open_images(path)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.integers(0, 128)] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            source = open_images(path)
        except DataError:
            continue
        assert math.prod(source.shape) == pixels.size
