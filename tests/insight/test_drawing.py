"""The picture of a network: the same each time, every layer in it."""

from __future__ import annotations

import pytest

from ilk.errors import UsageError
from ilk.insight import Description
from ilk.insight.drawing import draw
from ilk.insight.layout import boxes_of
from tests.insight.test_description import described_by_name


def test_a_picture_is_the_same_each_time_and_holds_every_layer() -> None:
    described = described_by_name("neighbor-mnist")
    svg = draw(described, "neighbor-mnist", "svg")
    assert svg == draw(described, "neighbor-mnist", "svg")
    assert svg.lstrip().startswith(b"<?xml")
    assert svg.count(b"<path d=") > len(boxes_of(described.layers))
    assert draw(described, "neighbor-mnist", "png").startswith(b"\x89PNG")


def test_a_network_without_layers_cannot_be_drawn() -> None:
    with pytest.raises(UsageError, match="without layers"):
        draw(Description((), 0, 0), "empty")
