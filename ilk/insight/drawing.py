"""The picture of a network: its layers as boxes, with lines between them."""

from __future__ import annotations

from io import BytesIO

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path

from ilk.errors import UsageError
from ilk.insight.description import Description
from ilk.insight.layout import COLUMN_GAP, Box, arrange, arrange_columns, boxes_of

BOX_WIDTH, BOX_HEIGHT = 1.75, 0.62  # inches from box to box
BOX_SHARE = (0.88, 0.66)  # of that, what a box takes
FONT_SIZE = 5.2  # points
LETTERS_PER_LINE, MOST_LETTERS = 34, 44  # at that size; at the smallest size
ASPECT = 0.6  # boxes across by boxes down: about 3:2 in inches
CREATOR = "Ilk describe"
METADATA = {"svg": {"Creator": CREATOR, "Date": None}, "png": {"Software": CREATOR}}
INK_COLOR, MUTED_COLOR, LINE_COLOR = "#222222", "#666666", "#888888"
KIND_COLORS = {
    "conv": "#cfe3f1",
    "linear": "#cfe3f1",
    "pool": "#fbdcb8",
    "join": "#d9d9d9",
    "other": "#ffffff",
}


def draw(described: Description, title: str, kind: str = "svg") -> bytes:
    """A network as a picture: boxes from top to bottom, in columns that are read from left to right.

    Each box names the layer, its window, its output and what of the image it sees.

    Args:
        described: the network.
        title: above the picture.
        kind: "svg" or "png" (150 dots per inch).
    Returns:
        the file's bytes, the same for the same network.
    Raises:
        UsageError: a network without layers.
    """
    boxes = boxes_of(described.layers)
    if not boxes:
        raise UsageError("A network without layers cannot be drawn.")
    placed, columns = arrange_columns(arrange(boxes), boxes, ASPECT)
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"svg.hashsalt": "ilk", "font.size": 6})
        size = (max(placed.width, 3) * BOX_WIDTH, (placed.height + 1.1) * BOX_HEIGHT)
        figure = Figure(size, facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(-0.02, max(placed.width, 3) + 0.02)
        axes.set_ylim(placed.height + 0.1, -1.0)
        sums = f"{described.parameters:,} parameters · {described.multiply_adds:,} multiply-adds"
        axes.text(0.06, -0.72, title, size=10, weight="bold", color=INK_COLOR, va="center")
        axes.text(0.06, -0.42, sums, size=7, color=MUTED_COLOR, va="center")
        for i, box in enumerate(boxes):
            for source in box.sources:
                points = _connection(source, i, boxes, placed.places, columns)
                codes = [Path.MOVETO, *[Path.LINETO] * (len(points) - 1)]
                axes.add_patch(PathPatch(Path(points, codes), fill=False, edgecolor=LINE_COLOR, linewidth=0.7))
        for i, box in enumerate(boxes):
            _box(axes, box, placed.places[i])
        buffer = BytesIO()
        figure.savefig(buffer, format=kind, dpi=150, metadata=METADATA[kind])
        return buffer.getvalue()


def _box(axes: Axes, box: Box, place: tuple[float, float]) -> None:
    x, y = place[0] + 0.5, place[1] + 0.5
    wide, high = BOX_SHARE
    look = "round,pad=0,rounding_size=0.05"
    corner = (x - wide / 2, y - high / 2)
    axes.add_patch(FancyBboxPatch(corner, wide, high, look, facecolor=_color(box), edgecolor=INK_COLOR, linewidth=0.5))
    layer, seen = box.layer, box.layer.receptive_field
    first = f"{layer.kind} {layer.window}".strip()
    sees = "" if seen is None else " · sees " + "×".join(map(str, dict.fromkeys(seen.size)))
    done = first + "".join(f", {word}" for word in dict.fromkeys(box.after))
    lines = (layer.name, done, "×".join(map(str, layer.output_shape)) + sees)
    for text, down, color in zip(lines, (-0.2, 0.0, 0.2), (MUTED_COLOR, INK_COLOR, INK_COLOR), strict=True):
        shown = text if len(text) <= MOST_LETTERS else f"…{text[1 - MOST_LETTERS :]}"  # names differ at their ends
        size = FONT_SIZE * min(1, LETTERS_PER_LINE / len(shown))
        axes.text(x, y + down, shown, size=size, color=color, ha="center", va="center")


def _color(box: Box) -> str:
    kind = box.layer.kind
    if kind in ("add", "concatenate"):
        return KIND_COLORS["join"]
    return KIND_COLORS["pool"] if "pool" in kind else KIND_COLORS.get(kind, KIND_COLORS["other"])


def _connection(
    source: int, target: int, boxes: list[Box], places: dict[int, tuple[float, float]], columns: dict[int, float]
) -> list[tuple[float, float]]:
    """A line's corners, from the foot of a box to the head of another, along the gaps between rows and columns."""
    wide, high = BOX_SHARE
    gap = (1 - high) / 2
    x0, y0 = places[source][0] + 0.5, places[source][1] + (1 + high) / 2
    x1, y1 = places[target][0] + 0.5, places[target][1] + (1 - high) / 2
    across = columns[source] != columns[target]
    first = min(i for i, left in columns.items() if left == columns[target]) if across else source + 1
    inside = [places[i][0] for i in range(first, target) if across or places[i][1] > places[source][1]]
    blocked = any(abs(left + 0.5 - x1) < 0.5 for left in inside)
    side = max(inside, default=0) + 0.54 + wide / 2
    head = [(x1, y1 - gap), (x1, y1)]
    if across:
        gutter = columns[target] - COLUMN_GAP / 2
        way = [(x0, y0), (x0, y0 + gap), (gutter, y0 + gap), (gutter, -gap / 2)]
        return [*way, *([(side, -gap / 2), (side, y1 - gap), *head] if blocked else [(x1, -gap / 2), (x1, y1)])]
    if blocked and abs(x0 - x1) < 0.01:
        return [(x0, y0), (x0, y0 + gap), (side, y0 + gap), (side, y1 - gap), *head]
    turn = y1 - gap if len(boxes[target].sources) > 1 else y0 + gap
    return [(x0, y0), (x0, turn), (x1, turn), (x1, y1)]
