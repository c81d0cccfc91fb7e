"""Names that fit on paper: the beginning and the end of a long one, in one line."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from ilk.report.paper import as_png, shorten


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("a cat", "a cat"),
        ("a\n cat\t of  mine", "a cat of mine"),
        ("0123456789abcdefghij", "0123456789ab…fghij"),
        ("exactly eighteen 8", "exactly eighteen 8"),
        ("\udcff.png", "\\udcff.png"),
    ],
)
def test_a_long_name_keeps_its_beginning_and_its_end(name: str, short: str) -> None:
    assert shorten(name, longest=18, end=5) == short
    assert len(short) <= 18


def test_the_same_figure_gives_the_same_bytes() -> None:
    first, second = (as_png(Figure(figsize=(1, 1)), 50) for _ in range(2))
    assert first == second
    assert first.startswith(b"\x89PNG")
