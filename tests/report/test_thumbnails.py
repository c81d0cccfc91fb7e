"""Small pictures: kept pixel by pixel where they fit, else made smaller with their aspect ratio."""

from __future__ import annotations

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ilk.report.thumbnails import thumbnail


def pixels(uri: str) -> np.ndarray:
    head, _, data = uri.partition(",")
    assert head == "data:image/png;base64"
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
