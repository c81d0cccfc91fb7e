"""The map as a still picture: unlabeled images in gray, labeled ones in color on top, as in figure 1 of the paper."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np

from ilk.errors import ShapeError
from ilk.maps.projection import Positions
from ilk.shapes import Targets

CLASS_COLORS = (
    *("#0072b2", "#e69f00", "#009e73", "#cc5c9d", "#56b4e9"),
    *("#c44601", "#4b3b8f", "#8a8a1c", "#882255", "#8c6239"),
)
"""One per named class, apart from one another for every common kind of color vision."""

DARK_CLASS_COLORS = (*CLASS_COLORS[:6], "#9384e6", "#b5b53a", "#c4466f", "#b08560")
"""The same on a dark page."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h")
"""One per named class, so that no one needs the colors."""

OTHER_CLASSES_COLOR = "#5f6670"
"""The labeled images of all other classes."""

LIGHT_TONES = {"paper": "#ffffff", "ink": "#1d1c1a", "muted": "#65625c", "gray": "#b9b7b1"}
DARK_TONES = {"paper": "#161617", "ink": "#eae8e3", "muted": "#a5a29b", "gray": "#5a5a5e"}
LONGEST_NAME = 26
WIDTH_IN_INCHES = 9.0


def draw_map(
    positions: Positions,
    targets: np.ndarray,
    classes: Sequence[str],
    *,
    added: np.ndarray | None = None,
    note: str = "",
    pixels: int = 900,
    dark: bool = False,
) -> bytes:
    """A PNG of the map: gray dots without a label, a color and a shape for each class, its name at its middle.

    Of more than ten classes the ten with the most labels are named; the others share one tone, and the key says so.

    Args:
        positions: shape (n, 2), any scale; drawn with equal axes.
        targets: shape (n,), int64, class numbers, −1 where there is no label.
        classes: the class names, by number.
        added: shape (n,) of bool, images placed later; drawn as open rings.
        note: what to know about the picture, set small below it.
        pixels: width of the picture; its height is about three quarters.
        dark: for a dark page.
    Returns:
        the bytes of a PNG, the same for the same input.
    Raises:
        ShapeError: not one target per position, or a target without a class.
    """
    if targets.shape != (len(positions),) or (len(targets) and not -1 <= targets.min() <= targets.max() < len(classes)):
        raise ShapeError(f"A map of {len(positions)} points needs one target from -1 to {len(classes) - 1} for each.")
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tones = DARK_TONES if dark else LIGHT_TONES
    named = named_classes(targets, len(classes))
    buffer = BytesIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a person's own matplotlibrc shall not change the picture
        keys = [_drawable(classes[c]) for c in named]
        lines = textwrap.wrap(note, 150)
        columns = _key_columns(keys)
        below = 0.3 + 0.17 * len(lines) + 0.21 * -(-(len(keys) + 3) // columns)
        height = 6.4 + below
        figure = Figure(figsize=(WIDTH_IN_INCHES, height), dpi=pixels / WIDTH_IN_INCHES, facecolor=tones["paper"])
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.02, below / height, 0.96, 1 - below / height - 0.01))
        axes.set_axis_off()
        axes.set_aspect("equal", adjustable="datalim")
        later = np.zeros(len(positions), dtype=bool) if added is None else added
        colors = DARK_CLASS_COLORS if dark else CLASS_COLORS
        _draw_points(axes, positions, np.where(later, -2, targets), named, tones, colors)
        _draw_names(axes, positions, targets, list(zip(named, keys, strict=True)), tones)
        entries = _key(list(zip(keys, colors, strict=False)), targets, len(classes), bool(later.any()), tones)
        _draw_key(figure, entries, columns, lines, tones)
        figure.savefig(buffer, format="png", facecolor=tones["paper"], metadata={"Software": None})
    return buffer.getvalue()


def named_classes(targets: Targets, classes: int) -> list[int]:
    """The classes that get a color of their own: all of up to ten, else the ten with the most labels, by number."""
    counts = np.bincount(targets[targets >= 0], minlength=classes)
    most = np.argsort(-counts, kind="stable")[: len(CLASS_COLORS)]
    return sorted(int(c) for c in most if counts[c])


def _draw_points(
    axes: Any,
    positions: Positions,
    targets: np.ndarray,
    named: list[int],
    tones: dict[str, str],
    colors: Sequence[str],
) -> None:
    gray, rest = targets == -1, (targets >= 0) & ~np.isin(targets, named)
    dot = float(np.clip(24_000 / max(1, gray.sum()), 0.8, 14))
    axes.scatter(*positions[gray].T, s=dot, c=tones["gray"], linewidths=0, alpha=0.75, zorder=1)
    colored = int((targets >= 0).sum())
    size = float(np.clip(40_000 / max(1, colored), 9, 46))
    edge = {"edgecolors": tones["paper"], "linewidths": 0.5 if size > 12 else 0.25}
    axes.scatter(*positions[rest].T, s=size * 0.6, c=OTHER_CLASSES_COLOR, **edge, zorder=2)
    larger = max(size, 26.0 if rest.any() else 0.0)
    for rank, number in enumerate(named):
        chosen = positions[targets == number]
        axes.scatter(*chosen.T, s=larger, c=colors[rank], marker=MARKERS[rank], **edge, zorder=3)
    later = positions[targets == -2]
    axes.scatter(*later.T, s=size * 0.7, facecolors="none", edgecolors=tones["ink"], linewidths=0.8, zorder=4)
    axes.margins(0.04)


def _draw_names(
    axes: Any, positions: Positions, targets: Targets, names: list[tuple[int, str]], tones: dict[str, str]
) -> None:
    """Each name just above the median of its labeled images, moved where two would cover one another."""
    from matplotlib.patheffects import withStroke

    axes.apply_aspect()
    middles = [np.median(positions[targets == number], axis=0) for number, _ in names]
    spots = axes.transData.transform(middles) if names else np.empty((0, 2))
    size = 12.5 if max((len(name) for _, name in names), default=0) < 14 else 9.5
    line = axes.figure.dpi * (size + 2) / 72
    spots[:, 1] += line
    for _ in range(60):
        for i in range(len(spots)):
            for j in range(i):
                wide = 0.28 * line * (len(names[i][1]) + len(names[j][1]) + 1)
                apart = spots[i] - spots[j]
                if abs(apart[0]) < wide and abs(apart[1]) < line:
                    push = (line - abs(apart[1])) / 2 * (1 if apart[1] >= 0 else -1)
                    spots[i, 1] += push
                    spots[j, 1] -= push
    for (_, name), spot in zip(names, axes.transData.inverted().transform(spots), strict=True):
        axes.text(
            *spot,
            name,
            color=tones["ink"],
            fontsize=size,
            fontweight="bold",
            ha="center",
            va="center",
            parse_math=False,
            path_effects=[withStroke(linewidth=3, foreground=tones["paper"])],
            zorder=5,
        )


def _key_columns(keys: list[str]) -> int:
    """Of the key: as many as fit beside one another."""
    return max(1, min(6, 112 // (max(map(len, [*keys, "no label (60,000)"])) + 5)))


def _key(
    keys: list[tuple[str, str]], targets: Targets, classes: int, later: bool, tones: dict[str, str]
) -> list[tuple[Any, str]]:
    """A mark and its meaning for each kind of point that is drawn."""
    from matplotlib.lines import Line2D

    def mark(shape: str, color: str, size: float, **more: Any) -> Line2D:
        return Line2D(
            [], [], linestyle="none", marker=shape, color=color, markeredgecolor=color, markersize=size, **more
        )

    entries = [(mark(shape, color, 6.5), key) for shape, (key, color) in zip(MARKERS, keys, strict=False)]
    others = len(np.unique(targets[targets >= 0])) - len(keys)
    if others:
        entries.append((mark("o", OTHER_CLASSES_COLOR, 5.0), f"{others:,} of {classes:,} classes"))
    without = int((targets < 0).sum())
    if without:
        entries.append((mark("o", tones["gray"], 4.0), f"no label ({without:,})"))
    if later:
        entries.append((mark("o", tones["ink"], 5.0, fillstyle="none"), "added"))
    return entries


def _draw_key(
    figure: Any, entries: list[tuple[Any, str]], columns: int, lines: list[str], tones: dict[str, str]
) -> None:
    height = figure.get_size_inches()[1]
    legend = figure.legend(
        [mark for mark, _ in entries],
        [str(i) for i in range(len(entries))],  # a label that begins with _ would be left out
        loc="lower center",
        bbox_to_anchor=(0.5, (0.1 + 0.17 * len(lines)) / height),
        ncols=max(1, min(len(entries), columns)),
        frameon=False,
        labelcolor=tones["ink"],
        fontsize=10,
        handletextpad=0.1,
        columnspacing=1.4,
    )
    for text, (_, meaning) in zip(legend.get_texts(), entries, strict=True):
        text.set_parse_math(False)
        text.set_text(meaning)
    if lines:
        figure.text(0.5, 0.08 / height, "\n".join(lines), ha="center", va="bottom", fontsize=8, color=tones["muted"])


def _drawable(name: str) -> str:
    """A name in one line that the font can draw: what it lacks becomes a box."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family="DejaVu Sans", weight="bold")))
    line = " ".join(name.split()) or "(blank)"
    half = LONGEST_NAME // 2  # both ends: names of one kind often begin alike
    short = line if len(line) <= LONGEST_NAME else f"{line[: half - 1].rstrip()}…{line[-half:].lstrip()}"
    return "".join(c if font.get_char_index(ord(c)) else "□" for c in short)
