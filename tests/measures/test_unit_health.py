"""A layer is healthy when no unit of it was dead or saturated at any moment."""

from __future__ import annotations

import pytest

from ilk.measures import UnitHealth


@pytest.mark.parametrize(
    ("dead", "saturated", "healthy"),
    [((0, 0), (0, 0), True), ((0, 1), (0, 0), False), ((0, 0), (2, 0), False), ((), (), True)],
)
def test_one_unit_at_one_moment_is_enough(dead: tuple[int, ...], saturated: tuple[int, ...], healthy: bool) -> None:
    assert UnitHealth("conv1", 4, dead, saturated).healthy == healthy
