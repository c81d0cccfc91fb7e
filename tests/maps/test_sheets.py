"""Thumbnails on large sheets: each in its place, all within the budget."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from ilk.maps.sheets import COLUMNS, PER_SHEET, make_sheets


def decoded(uri: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))) as sheet:
        return np.asarray(sheet.convert("RGB")).astype(int)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_thumbnail_is_its_image(channels: int) -> None:
    n, side = PER_SHEET + 40, 8
    tones = np.random.default_rng(0).integers(0, 255, (n, channels, 1, 1))
    images = np.broadcast_to(tones, (n, channels, side, side)).astype(np.uint8)
    sheets = make_sheets(images)
    assert (sheets.width, sheets.height, sheets.exact, len(sheets.uris)) == (side, side, True, 2)
    pages = [decoded(uri) for uri in sheets.uris]
    for i in (0, 31, 32, PER_SHEET - 1, PER_SHEET, n - 1):
        k, place = divmod(i, PER_SHEET)
        row, col = divmod(place, COLUMNS)
        middle = pages[k][row * side + side // 2, col * side + side // 2]
        assert np.abs(middle - np.broadcast_to(tones[i, :, 0, 0], 3)).max() < 60


def test_thumbnails_shrink_until_they_fit_and_keep_their_shape() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 3, 50, 100)).astype(np.uint8)
    free, tight = make_sheets(noise), make_sheets(noise, budget=200_000)
    assert (free.width, free.height, free.exact) == (64, 32, False)
    assert tight.width < free.width
    assert tight.width == 2 * tight.height
    assert sum(map(len, tight.uris)) <= 200_000
    assert make_sheets(noise[:0]).uris == ()
