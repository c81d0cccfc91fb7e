"""An image made flat piece by piece is the one made flat as a whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from ilk.data import color_modes as flattening
from ilk.data.color_modes import flat, flat_coarsely, is_flat

PIXELS = np.random.default_rng(0).integers(0, 256, (70, 130, 4), dtype=np.uint8)


def palette() -> Image.Image:
    image = Image.fromarray(PIXELS[..., :3]).quantize(50)
    image.info["transparency"] = bytes(range(0, 250, 5))
    return image


FORMS: dict[str, Callable[[], Image.Image]] = {
    "RGBA": lambda: Image.fromarray(PIXELS),
    "LA": lambda: Image.merge("LA", [Image.fromarray(np.ascontiguousarray(PIXELS[..., i])) for i in (0, 1)]),
    "CMYK": lambda: Image.fromarray(PIXELS, "RGBA").convert("RGB").convert("CMYK"),
    "I;16": lambda: Image.fromarray(PIXELS[..., 0].astype(np.uint16) * 257),
    "I": lambda: Image.fromarray(PIXELS[..., 0].astype(np.int32) * 257),
    "1": lambda: Image.fromarray(PIXELS[..., 0]).convert("1"),
    "P": palette,
}


@pytest.mark.parametrize("mode", FORMS)
@pytest.mark.parametrize("enough", [1, 7, 64, 100, 1000])
def test_in_pieces_as_in_one(mode: str, enough: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flattening, "_PIECE", 16)
    image = FORMS[mode]()
    assert not is_flat(image)
    whole = flat(image)
    across, down = (max(1, side // enough) for side in image.size)
    pieces, box = flat_coarsely(image, enough)
    assert pieces.mode == whole.mode == ("RGB" if mode in ("RGBA", "CMYK", "P") else "L")
    assert np.array_equal(np.asarray(pieces), np.asarray(whole.reduce((across, down))))
    assert box == (0, 0, 130 / across, 70 / down)
    assert min(pieces.size) >= min(enough, 70)
