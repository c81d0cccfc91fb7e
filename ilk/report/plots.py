"""What the page shows, as PNG files that can be read without it: for slides, papers and notebooks."""

from __future__ import annotations

import warnings
from unicodedata import east_asian_width

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from ilk.measures import most_frequent_mistakes
from ilk.report.charts import draw_charts, draw_line, fixed_style, quiet_axes
from ilk.report.content import ReportContent
from ilk.report.limits import LONGEST_LEVEL_NAME, MOST_CLASSES, MOST_ROWS
from ilk.report.paper import PAPER_PALETTE, as_png, shorten
from ilk.report.reliability import draw_reliability
from ilk.report.views import label_view

DOTS_PER_INCH = 150
LONGEST_NAME = 22
LONGEST_LINE = 44


def draw_plots(content: ReportContent) -> dict[str, bytes]:
    """The plots of a report as PNG files: their names and their bytes, only those that have data.

    Each has a title, its units and a white ground: curves.png, confusion.png, reliability.png, labels.png.

    Args:
        content: what the page is made of; see `render_report()`.
    Raises:
        ShapeError: a confusion that does not fit its classes.
    """
    content.require_valid()
    with fixed_style(), warnings.catch_warnings():
        # Matplotlib's font lacks some scripts and emoji: such a letter is drawn as a box, which is no news to the user.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        drawn = {
            "curves.png": _curves(content),
            "confusion.png": _confusion(content),
            "reliability.png": _reliability(content),
            "labels.png": _labels(content),
        }
        return {name: as_png(figure, DOTS_PER_INCH) for name, figure in drawn.items() if figure is not None}


def _curves(content: ReportContent) -> Figure | None:
    charts = draw_charts(content.history, content.curves)
    if not charts:
        return None
    columns = min(3, len(charts))
    rows = -(-len(charts) // columns)
    figure = _titled(4.0 * columns, 2.6 * rows + 0.6, "Training", content.title)
    for place, chart in enumerate(charts, start=1):
        axes = figure.add_subplot(rows, columns, place)
        draw_line(axes, chart.points, PAPER_PALETTE)
        unit = f", {chart.curve.unit}" if chart.curve.unit else ""
        flattering = " (optimistic)" if chart.curve.optimistic else ""
        title = f"{chart.curve.title}{unit}{flattering}"
        axes.set_title(title, fontsize=9.5, color=PAPER_PALETTE.text, loc="left", parse_math=False)
        axes.set_xlabel(chart.x_label, fontsize=9, color=PAPER_PALETTE.text, loc="right")
    figure.tight_layout(h_pad=1.5, w_pad=2)
    return figure


def _confusion(content: ReportContent) -> Figure | None:
    counts = content.confusion
    if counts is None or counts.total == 0:
        return None
    title = f"Confusion: {counts.right:,} of {counts.total:,} images right"
    origin = f"{_short(content.title)}\n{_origin(content)}"
    if len(content.classes) > MOST_CLASSES:
        mistakes = most_frequent_mistakes(counts, MOST_ROWS)
        names = [f"{_short(content.classes[m.truth])} → {_short(content.classes[m.answer])}" for m in mistakes]
        return _bars(title, origin, names, [m.count for m in mistakes], "images (label → answer)") if mistakes else None
    names = [_short(name) for name in content.classes]
    upright = max(map(len, names)) > LONGEST_LEVEL_NAME
    matrix = counts.dense()
    size = len(matrix)
    cells = size * max(0.42, 0.1 + 0.09 * len(f"{matrix.max():,}"))
    room = 0.075 * max(map(_letters, names))
    figure = _titled(max(4.8, cells + room + 1.2), max(3, cells) + (room if upright else 0.2) + 1.5, title, origin)
    axes = figure.add_subplot()
    shares = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap=LinearSegmentedColormap.from_list("", ["#ffffff", PAPER_PALETTE.curve]), vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(matrix), strict=True):
        color = "#ffffff" if shares[row, column] > 0.85 else "#000000"
        weight = "normal" if row == column else "bold"
        axes.text(column, row, f"{matrix[row, column]:,}", ha="center", va="center", color=color, weight=weight, size=8)
    axes.set_xticks(range(size), names, rotation=90 if upright else 0, fontsize=8, parse_math=False)
    axes.set_yticks(range(size), names, fontsize=8, parse_math=False)
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(which="minor", color=PAPER_PALETTE.grid, linewidth=0.6)
    axes.tick_params(which="both", length=0)
    axes.set(xlabel="answer", ylabel="label")
    figure.tight_layout()
    return figure


def _reliability(content: ReportContent) -> Figure | None:
    if not content.reliability:
        return None
    origin = f"{_short(content.title)}\n{_origin(content)}"
    figure = _titled(5.0, 5.8, "Reliability, with 95% intervals", origin)
    draw_reliability(figure, content.reliability, PAPER_PALETTE, top=0.84)
    return figure


def _labels(content: ReportContent) -> Figure | None:
    table = label_view(content)
    if not table["classes"]:
        return None
    title = f"{table['total']:,} labels in {table['classes']:,} classes"
    rows = table["rows"] or [("each class", table["most"], 1.0)]
    if 1 < len(rows) < table["classes"]:
        title += f", the {len(rows)} with the fewest"
    return _bars(title, content.title, [_short(name) for name, _, _ in rows], [count for _, count, _ in rows], "labels")


def _bars(title: str, origin: str, names: list[str], counts: list[int], unit: str) -> Figure:
    """Horizontal bars, the first on top, each with its number."""
    figure = _titled(6.4, 0.28 * len(names) + 1.9, title, origin)
    axes = figure.add_subplot()
    bars = axes.barh(range(len(names)), counts, color=PAPER_PALETTE.curve, height=0.7)
    axes.bar_label(bars, [f"{count:,}" for count in counts], padding=4, fontsize=8, color=PAPER_PALETTE.text)
    axes.set_yticks(range(len(names)), names, fontsize=8, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * max(*counts, 1))
    quiet_axes(axes, PAPER_PALETTE)
    axes.grid(visible=False)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_xlabel(unit, fontsize=9, color=PAPER_PALETTE.text, loc="right")
    figure.tight_layout()
    return figure


def _titled(width: float, height: float, title: str, origin: str) -> Figure:
    """An empty figure on white that says what it shows and, below, what it was made from."""
    figure = Figure(figsize=(width, height), facecolor="white")
    lines = "\n".join([title, *(_short(line, LONGEST_LINE) for line in origin.splitlines())])
    figure.suptitle(
        lines, x=0.02, y=1 - 0.12 / height, ha="left", va="top", fontsize=10.5, color="#000000", parse_math=False
    )
    return figure


def _origin(content: ReportContent) -> str:
    return "leave-one-out on the labels: optimistic" if content.optimistic else "images that it did not learn from"


def _short(name: str, longest: int = LONGEST_NAME) -> str:
    return shorten(name, longest, end=7)


def _letters(name: str) -> int:
    """How many letters wide a name is; one of East Asia is as wide as two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in name)
