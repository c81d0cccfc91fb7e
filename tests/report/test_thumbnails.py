"""Small pictures: kept pixel by pixel where they fit, else made smaller with their aspect ratio."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ilk.report.thumbnails import LARGEST_MAP_BYTES, map_picture, thumbnail
from tests.report.contents import map_png


def pixels(uri: str) -> np.ndarray:
    head, _, data = uri.partition(",")
    assert head in ("data:image/png;base64", "data:image/jpeg;base64")
    with Image.open(BytesIO(base64.b64decode(data))) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_small_image_comes_back_exactly(channels: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (channels, 5, 9), dtype=np.uint8)
    made = thumbnail(image, 9)

    back = pixels(made.uri)
    np.testing.assert_array_equal(
        back if channels == 1 else back.transpose(2, 0, 1), image if channels == 3 else image[0]
    )
    assert (made.width, made.height, made.exact) == (9, 5, True)


def test_a_large_image_is_averaged_and_keeps_its_aspect() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 40, 80), dtype=np.uint8)
    made = thumbnail(image, 20)

    means = image[0].reshape(10, 4, 20, 4).mean((1, 3))
    np.testing.assert_allclose(pixels(made.uri), means, atol=1.01)
    assert (made.width, made.height, made.exact) == (20, 10, False)


def test_a_very_long_image_keeps_one_pixel_of_height() -> None:
    made = thumbnail(np.zeros((3, 1, 5000), dtype=np.uint8), 48)
    assert (made.width, made.height) == (48, 1)


def test_a_photograph_becomes_a_jpeg_and_a_drawing_stays_exact() -> None:
    rows, columns = np.mgrid[0:120, 0:160]
    waves = 128 + 60 * np.sin(rows / 9) + 60 * np.cos(columns / 7)
    grain = np.random.default_rng(0).normal(0, 4, waves.shape)
    photograph = np.clip(np.stack([waves, waves / 2, 255 - waves]) + grain, 0, 255).astype(np.uint8)
    made = thumbnail(photograph, 160)
    assert made.uri.startswith("data:image/jpeg")
    assert (made.width, made.height) == (160, 120)
    assert np.abs(pixels(made.uri).transpose(2, 0, 1).astype(float) - photograph).mean() < 6

    drawing = (255 * ((rows - 60) ** 2 + (columns - 80) ** 2 < 900)).astype(np.uint8)[None]
    made = thumbnail(drawing, 160)
    assert made.uri.startswith("data:image/png")
    np.testing.assert_array_equal(pixels(made.uri), drawing[0])


def test_a_light_map_is_kept_bit_by_bit_and_a_heavy_one_is_made_lighter() -> None:
    light, heavy = map_png(40, 30), map_png(800, 600)
    assert base64.b64decode(map_picture(light).uri.partition(",")[2]) == light
    assert len(heavy) > LARGEST_MAP_BYTES
    made = map_picture(heavy)
    assert len(made.uri) < LARGEST_MAP_BYTES
    assert (made.width, made.height) == (400, 300)
    assert pixels(made.uri).shape == (300, 400, 3)
