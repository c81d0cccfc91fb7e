"""The reasons for one answer as PNG files: for slides and papers, each with its words, units and a white ground."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ilk.report.charts import fixed_style, quiet_axes
from ilk.report.content import Picture
from ilk.report.explanation import GAINED_COLOR, LOST_COLOR, PALE_LOSS, Explanation, axis_label, set_amount_ticks
from ilk.report.paper import PAPER_PALETTE, as_png, shorten

DOTS_PER_INCH = 300
LONGEST_FILE_NAME = 60
IMAGE_SUFFIX = re.compile(r"\.(jpe?g|png|webp|bmp|tiff?|gif)$", re.IGNORECASE)
FONT_SIZE = 9


def draw_reasons(explained: Explanation) -> dict[str, bytes]:
    """Pictures of the occlusion, the invariance and, where there are some, the units: their names and their bytes.

    The same content gives the same bytes.
    """
    with fixed_style(), warnings.catch_warnings():
        # Matplotlib's font lacks some scripts and emoji: such a letter is drawn as a box, which is no news to the user.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figures = {"occlusion": _occlusion(explained), "invariance": _invariance(explained)}
        if explained.units:
            figures["units"] = _units(explained)
        return {name: as_png(figure, DOTS_PER_INCH) for name, figure in figures.items()}


def file_names(names: Sequence[str]) -> list[str]:
    """Names of images as parts of file names, each once: letters, digits, dots and hyphens, at most 60 of them."""
    result: list[str] = []
    for name in names:
        plain = re.sub(r"[^\w.-]+", "-", IMAGE_SUFFIX.sub("", name)).strip("-.")[-LONGEST_FILE_NAME:] or "image"
        free = plain
        number = 2
        while free in result:
            free, number = f"{plain}-{number}", number + 1
        result.append(free)
    return result


def _occlusion(explained: Explanation) -> Figure:
    height, width = explained.drop.shape
    wide = min(2.0, 3.0 * width / height)
    tall = wide * height / width
    figure = Figure(figsize=(3 * wide + 1.7, tall + 0.4), facecolor="white")
    image, lost, moved = (_panel(figure, left, wide, tall) for left in (0.1, wide + 0.25, 2 * wide + 1.0))
    _show_image(image, explained.pixels)
    _set_title(image, "as the network sees it")
    most = max(PALE_LOSS, float(np.abs(explained.drop).max()))
    both = LinearSegmentedColormap.from_list("lost", [_rgb(GAINED_COLOR), (1, 1, 1), _rgb(LOST_COLOR)])
    blue = LinearSegmentedColormap.from_list("moved", [(1, 1, 1), _rgb(LOST_COLOR)])
    for axes, left, values, colors, least, greatest in (
        (lost, 2 * wide + 0.32, explained.drop, both, -most, most),
        (moved, 3 * wide + 1.07, explained.moved, blue, 0, max(1e-12, float(explained.moved.max()))),
    ):
        drawn = axes.imshow(values, cmap=colors, vmin=least, vmax=greatest)
        _hide_ticks(axes)
        bar = figure.colorbar(drawn, cax=_panel(figure, left, 0.09, tall))
        bar.outline.set_visible(False)
        bar.ax.yaxis.set_major_locator(MaxNLocator(5))
        bar.ax.tick_params(labelsize=FONT_SIZE - 1, length=2, labelcolor=PAPER_PALETTE.text, color=PAPER_PALETTE.text)
    _set_title(lost, f"probability of “{_short(explained.watched)}” lost")
    _set_title(moved, "move of the point")
    return figure


def _panel(figure: Figure, left: float, wide: float, tall: float) -> Axes:
    """Axes at a place that is given in inches; above the lower margin."""
    width, height = figure.get_size_inches()
    return figure.add_axes((left / width, 0.1 / height, wide / width, tall / height))


def _invariance(explained: Explanation) -> Figure:
    figure = Figure(figsize=(9.0, 2.3), facecolor="white", layout="constrained")
    farthest = max(1e-12, *(value for curve in explained.curves for value in curve.moved))
    every = figure.subplots(1, max(1, len(explained.curves)), squeeze=False)[0]
    for place, (axes, curve) in enumerate(zip(every, explained.curves, strict=True)):
        axes.plot(curve.amounts, curve.probability, color=PAPER_PALETTE.curve, linewidth=1.6, clip_on=False)
        axes.set_ylim(0, 1.04)
        set_amount_ticks(axes, curve)
        quiet_axes(axes, PAPER_PALETTE)
        _set_title(axes, curve.title)
        axes.set_xlabel(axis_label(curve), fontsize=FONT_SIZE, color=PAPER_PALETTE.text)
        other = axes.twinx()  # the same scale on all, so that they can be compared
        other.plot(
            curve.amounts, curve.moved, color=PAPER_PALETTE.other, linewidth=1.2, linestyle=(0, (4, 3)), clip_on=False
        )
        other.set_ylim(0, 1.04 * farthest)
        quiet_axes(other, PAPER_PALETTE)
        other.grid(visible=False)
        other.tick_params(axis="y", labelcolor=PAPER_PALETTE.other, right=False)
        axes.tick_params(axis="y", labelcolor=PAPER_PALETTE.curve, labelleft=place == 0)
        other.tick_params(labelright=place == len(every) - 1)
        if place == 0:
            words = f"probability of “{_short(explained.watched)}”"
            axes.set_ylabel(words, fontsize=FONT_SIZE, color=PAPER_PALETTE.curve, parse_math=False)
        if place == len(every) - 1:
            other.set_ylabel("move of the point (dashed)", fontsize=FONT_SIZE, color=PAPER_PALETTE.other)
    return figure


def _units(explained: Explanation) -> Figure:
    columns = len(explained.units) + 1
    height, width = explained.pixels.shape[1:]
    tall = min(3.0, 1.1 * height / width)
    figure = Figure(figsize=(1.1 * columns, tall + 0.75), facecolor="white", layout="constrained")
    image, *every = figure.subplots(1, columns, squeeze=False)[0]
    _show_image(image, explained.pixels)
    _set_title(image, f"“{_short(explained.watched)}”")
    image.set_xlabel(f"{explained.probability:.1%}", fontsize=FONT_SIZE, color=PAPER_PALETTE.text)
    for axes, unit in zip(every, explained.units, strict=True):
        _show_image(axes, unit.image)
        _set_title(axes, f"unit {unit.name}")
        if unit.without is not None:
            axes.set_xlabel(f"without it\n{unit.without:.1%}", fontsize=FONT_SIZE, color=PAPER_PALETTE.text)
    return figure


def _show_image(axes: Axes, image: Picture) -> None:
    axes.imshow(image[0] if image.shape[0] == 1 else image.transpose(1, 2, 0), cmap="gray", vmin=0, vmax=255)
    _hide_ticks(axes)


def _hide_ticks(axes: Axes) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color(PAPER_PALETTE.grid)


def _set_title(axes: Axes, words: str) -> None:
    axes.set_title(words, fontsize=FONT_SIZE, color=PAPER_PALETTE.text, parse_math=False)


def _rgb(color: tuple[int, int, int]) -> tuple[float, float, float]:
    return (color[0] / 255, color[1] / 255, color[2] / 255)


def _short(name: str) -> str:
    return shorten(name, longest=18, end=5)
