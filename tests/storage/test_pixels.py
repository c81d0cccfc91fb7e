"""Labeled images come back as they were; too large ones are not kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ilk.errors import ModelError
from ilk.storage import pixels
from ilk.storage.pixels import read_pixels, write_pixels

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 1, 4, 5), dtype=np.uint8)


@pytest.mark.parametrize("images", [IMAGES, IMAGES[::2], IMAGES.transpose(0, 1, 3, 2)])
def test_images_come_back(tmp_path: Path, images: np.ndarray) -> None:
    assert write_pixels(tmp_path / "a.safetensors", images)
    found = read_pixels(tmp_path / "a.safetensors")
    assert found is not None
    np.testing.assert_array_equal(found, images)


def test_too_many_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "LARGEST", IMAGES.nbytes - 1)
    assert not write_pixels(tmp_path / "a.safetensors", IMAGES)
    assert read_pixels(tmp_path / "a.safetensors") is None


@pytest.mark.parametrize("data", [b"", b"\x80\x04.", b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
def test_a_damaged_file_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.safetensors").write_bytes(data)
    with pytest.raises(ModelError, match=r"a\.safetensors is damaged"):
        read_pixels(tmp_path / "a.safetensors")
