"""Training curves, as SVG that takes its colors and its font from the page around it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ilk.training.curves import Curve

MOST_POINTS = 400
"""More than a chart is pixels wide; longer histories are thinned to it."""


class Palette(NamedTuple):
    """The colors of a drawing: its data, its grid, its words, and what the data are compared with."""

    curve: str
    grid: str
    text: str
    other: str


PAGE_PALETTE = Palette("#010203", "#020304", "#030405", "#040506")
"""Colors that no one would choose, so that they can be found in the SVG and handed over to the style sheet."""

PAGE_VARIABLES = dict(zip(PAGE_PALETTE, ("var(--accent)", "var(--line)", "var(--muted)", "var(--check)"), strict=True))


SPACE_CURVES = (
    Curve(
        "own_error",
        "Own labels, leave-one-out error",
        "%",
        "Each labeled image, answered by the other labeled ones. All of them trained the network, "
        "so new images will fare worse.",
        scale=100.0,
        optimistic=True,
    ),
    Curve("spread", "Spread of the embedding", "", "Near 0, all images fall on one point: the space has collapsed."),
    Curve("effective_rank", "Effective rank", "directions", "How many directions of the space the images fill."),
)
"""What every run measures of its space, whatever its method; drawn after the losses."""

NO_CURVES = ("epoch", "step", "largest_share", "largest_class")
"""Columns of a history that are not drawn."""


@dataclass(frozen=True)
class Chart:
    """A curve to draw: its description, first and last value in words, its points and the name of their x axis."""

    curve: Curve
    summary: str
    points: list[tuple[float, float]]
    x_label: str

    @property
    def svg(self) -> str:
        """The drawing, to stand inside an HTML page."""
        return line_chart(self.points, salt=self.curve.name, x_label=self.x_label)


def draw_charts(history: Sequence[Mapping[str, float | int]], declared: Sequence[Curve] = ()) -> list[Chart]:
    """One chart for each curve that the history holds; none for an empty history.

    Args:
        history: one record per epoch, oldest first; values that are missing or not finite are left out.
        declared: the method's curves; they come first, in this order, each apart, for a sum hides which of them moves.
    """
    x_key = next((key for key in ("epoch", "step") if all(key in record for record in history)), None)
    charts = []
    for curve in (*declared, *undeclared_curves(history, declared), *SPACE_CURVES):
        points = [
            (float(record[x_key] if x_key else number), float(record[curve.name]) * curve.scale)
            for number, record in enumerate(history, start=1)
            if math.isfinite(record.get(curve.name, math.nan))
        ]
        if points:
            summary = first_and_last([y for _, y in points], curve.unit)
            charts.append(Chart(curve, summary, points, x_key or "record"))
    return charts


def undeclared_curves(history: Sequence[Mapping[str, float | int]], declared: Sequence[Curve]) -> list[Curve]:
    """The columns of a history that no curve describes, under their own names, in the order of the history."""
    known = {*NO_CURVES, *(curve.name for curve in (*declared, *SPACE_CURVES))}
    names = dict.fromkeys(name for record in history for name in record if name not in known)
    return [Curve(name, name, unit="") for name in names]


def line_chart(points: Sequence[tuple[float, float]], *, salt: str, x_label: str) -> str:
    """An SVG element of one line, to stand inside an HTML page; the same points give the same text.

    Args:
        points: (x, y), at least one, all finite.
        salt: what keeps the ids of one chart apart from those of another on the same page.
        x_label: the name of the x axis.
    """
    figure = Figure(figsize=(3.6, 1.9))
    with fixed_style(salt):
        axes = figure.add_axes((0.13, 0.2, 0.83, 0.75))
        draw_line(axes, points, PAGE_PALETTE)
        axes.set_xlabel(x_label, color=PAGE_PALETTE.text, fontsize=9, loc="right", labelpad=1)
        return as_svg(figure)


@contextmanager
def fixed_style(salt: str = "") -> Iterator[None]:
    """Matplotlib's own settings for a while: a person's matplotlibrc shall not change the page."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": salt, "axes.edgecolor": PAGE_PALETTE.grid})
        yield


def draw_line(axes: Axes, points: Sequence[tuple[float, float]], colors: Palette) -> None:
    """A line with its last point marked, thinned to what a chart can show; 0 is always in sight."""
    every = math.ceil(len(points) / MOST_POINTS)
    xs, ys = zip(*[*points[:-1:every], points[-1]], strict=True)
    axes.plot(xs, ys, color=colors.curve, linewidth=1.8, solid_capstyle="round", clip_on=False)
    axes.plot(xs[-1:], ys[-1:], color=colors.curve, marker="o", markersize=4.5, clip_on=False)
    top = max(ys)
    axes.set_ylim(min(0.0, *ys), top * 1.08 if top > 0 else 1.0)
    if len(set(xs)) == 1:
        axes.set_xlim(xs[0] - 1, xs[0] + 1)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=all(x.is_integer() for x in xs), min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    quiet_axes(axes, colors)


def quiet_axes(axes: Axes, colors: Palette) -> None:
    """Little ink: a horizontal grid behind the data, no ticks, only the lower border."""
    axes.tick_params(length=0, labelsize=9, labelcolor=colors.text, pad=4)
    axes.grid(axis="y", color=colors.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(colors.grid)


def as_svg(figure: Figure) -> str:
    """A drawn figure as text for the page; the same figure gives the same text."""
    buffer = StringIO()
    figure.savefig(
        buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
    )
    return _page_svg(buffer.getvalue())


def _page_svg(svg: str) -> str:
    """Only the SVG element, in the page's own colors and font, with no id that another chart has too."""
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(
        r"<svg [^>]*(viewBox=\"[^\"]*\")[^>]*>", r'<svg \1 aria-hidden="true" focusable="false">', svg, count=1
    )
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r' id="[\w.]+_\d+"', "", svg)  # matplotlib numbers its groups from 1 in every figure
    svg = re.sub(r"\s+", " ", svg)
    for color, variable in PAGE_VARIABLES.items():
        svg = svg.replace(color, variable)
    return svg


def first_and_last(values: Sequence[float], unit: str) -> str:
    """Where a curve starts and ends, such as "1.12 → 0.03 nats"; one value alone stands for itself."""
    ends = values[:1] if len(values) == 1 else (values[0], values[-1])
    if unit == "%":
        return " → ".join(f"{short_number(value)}%" for value in ends)
    return " → ".join(map(short_number, ends)) + f" {unit}".rstrip()


def short_number(value: float) -> str:
    """A number in about three digits; what is too small to read is called so."""
    if 0 < abs(value) < 0.001:
        return "under 0.001"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
