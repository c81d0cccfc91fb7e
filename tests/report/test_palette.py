"""The colors of the page can be read: WCAG contrast of all text, by day, by night and on paper."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

CSS = files("ilk.report").joinpath("page.css").read_text("utf-8")
DAY, NIGHT, PAPER = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{[^}]*\}", CSS)
)
PALETTES = {"day": DAY, "night": NIGHT, "paper": PAPER}
LEAST = 4.5
TEXTS = ("ink", "muted", "accent", "check")


def rgb(color: str) -> list[float]:
    return [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]


def luminance(color: list[float]) -> float:
    """Relative luminance of sRGB, as WCAG 2.2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[float], other: list[float]) -> float:
    darker, lighter = sorted(luminance(color) for color in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(color: str, ground: str, share: float) -> list[float]:
    return [share * a + (1 - share) * b for a, b in zip(rgb(color), rgb(ground), strict=True)]


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast(rgb("#000000"), rgb("#ffffff")) == pytest.approx(21)
    assert contrast(rgb("#777777"), rgb("#ffffff")) == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("name", PALETTES)
def test_every_text_can_be_read_on_every_ground(name: str) -> None:
    palette = PALETTES[name]
    low = {
        (text, ground): round(contrast(rgb(palette[text]), rgb(palette[ground])), 2)
        for text in TEXTS
        for ground in ("paper", "card", "alert")
        if contrast(rgb(palette[text]), rgb(palette[ground])) < LEAST
    }
    assert low == {}


@pytest.mark.parametrize("name", PALETTES)
def test_the_link_that_skips_can_be_read(name: str) -> None:
    assert contrast(rgb(PALETTES[name]["paper"]), rgb(PALETTES[name]["accent"])) >= LEAST


@pytest.mark.parametrize("name", PALETTES)
@pytest.mark.parametrize("cell", ["hit", "miss"])
def test_counts_can_be_read_on_the_darkest_cell(name: str, cell: str) -> None:
    least, span = map(float, re.search(r"opacity: calc\(([\d.]+) \+ ([\d.]+) \* var\(--share", CSS).groups())
    palette = PALETTES[name]
    for share in (0.0, 0.5, 1.0):
        ground = mixed(palette[cell], palette["paper"], least + span * share)
        assert contrast(rgb(palette["ink"]), ground) >= LEAST


@pytest.mark.parametrize("name", PALETTES)
def test_marks_stand_out_from_their_ground(name: str) -> None:
    palette = PALETTES[name]
    for mark in ("sure", "check", "unlike", "other"):
        assert contrast(rgb(palette[mark]), rgb(palette["card"])) >= 3
