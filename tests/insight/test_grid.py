"""Pictures of units: the same for the same input, nothing cut off."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ilk.errors import ShapeError
from ilk.insight.activations import top_activations
from ilk.insight.grid import draw_units, legend
from ilk.insight.patches import unit_patches
from tests.insight.examples import network, pictures


def test_the_picture_is_the_same_for_the_same_input_and_marks_the_dead() -> None:
    net, pixels = network(), pictures(9)
    top = top_activations(net, pixels, ["features.0"])["features.0"]
    seen = unit_patches(net, pixels, top, [0, 1])
    plain = draw_units(seen, {}, title="x")
    assert plain == draw_units(seen, {}, title="x")
    assert plain != draw_units(seen, {1: "dead"}, title="x")
    with pytest.raises(ShapeError, match="one unit or more"):
        draw_units({}, {}, title="x")


def test_a_long_title_is_not_cut_off() -> None:
    net, pixels = network(), pictures(2)
    top = top_activations(net, pixels, ["features.0"])["features.0"]
    seen = unit_patches(net, pixels, top, [0])
    short, long = (Image.open(BytesIO(draw_units(seen, {}, title=title))) for title in ("x", "long words " * 20))
    for picture in (short, long):
        ink = np.asarray(picture.convert("L")) < 128
        assert not ink[:, -10:].any()
        assert not ink[-10:].any()
    assert long.width > short.width


def test_a_picture_says_how_to_read_it() -> None:
    top = top_activations(network(), pictures(2), ["features.4"])["features.4"]
    seen = unit_patches(network(), pictures(2), top, [0])
    (first, *_), height = seen[0], seen[0][0].inside.shape[0]
    assert f"the same {height} by {height} pixels of the image" in legend(first)[1]
    assert legend(None) == []
