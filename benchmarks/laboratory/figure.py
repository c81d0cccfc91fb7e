"""The figure of a benchmark: one line per recipe, a point per run, mean and deviation, published figures beside."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from .rows import Row, percents

PUBLISHED = {
    ("mnist", 10): [
        ("Hoffer & Ailon 2016", 0.78, 0.3),
        ("Ladder, conv (2015)", 0.89, 0.50),
        ("SNTG (2018)", 0.66, 0.07),
    ],
    ("mnist", 2): [("SNTG (2018)", 1.36, 0.78), ("Triple-GAN (2017)", 4.81, None)],
    ("cifar10", 400): [("Hoffer & Ailon 2016", 20.3, 0.5), ("Bad GAN (2017)", 14.41, 0.30)],
}
"""(data, labels per class): test errors in percent with their deviation, as printed, without augmentation."""
POINT, MEAN, LINE = "#7a8794", "#0b5cad", "#b3541e"


def published(source: str, labels_per_class: int) -> list[tuple[str, float, float | None]]:
    """The published figures on the same data with as many labels; none where nothing was published."""
    return PUBLISHED.get((Path(source).stem.lower(), labels_per_class), [])


def draw(
    rows: Mapping[str, Row],
    contestants: Sequence[str],
    out: Path,
    title: str,
    references: Sequence[tuple[str, float, float | None]] = (),
) -> list[Path]:
    """Write OUT.png and OUT.svg; nothing where no row has an error."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    runs = {name: percents([row for row in rows.values() if row["contestant"] == name]) for name in contestants}
    runs = {name: errors for name, errors in runs.items() if errors}
    if not runs:
        return []
    with rc_context({"svg.hashsalt": "ilk", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(7.5, 1.6 + 0.5 * len(runs) + 0.22 * len(references)), layout="constrained")
        axes = figure.add_subplot()
        for place, errors in enumerate(runs.values()):
            # A little apart from one another, so that equal points can be counted.
            heights = [place + 0.16 + 0.05 * (i % 3) for i in range(len(errors))]
            axes.plot(errors, heights, "o", color=POINT, markersize=4, alpha=0.8, markeredgewidth=0)
            spread = statistics.stdev(errors) if len(errors) > 1 else 0.0
            mean = statistics.fmean(errors)
            axes.errorbar(mean, place, xerr=spread, fmt="D", color=MEAN, capsize=3, markersize=5)
            said = f"{mean:.2f} ± {spread:.2f}" if len(errors) > 1 else f"{mean:.2f}"
            axes.annotate(said, (mean, place), (0, 6), textcoords="offset points", ha="center", va="bottom", fontsize=8)
        for number, (name, error, deviation) in enumerate(references):
            style = ("-", "--", ":")[number % 3]
            plus = f" ± {deviation:g}" if deviation else ""
            axes.axvline(error, color=LINE, linestyle=style, linewidth=1, label=f"{name}: {error:g}{plus}")
        counts = [f"{name} (n = {len(errors)})" for name, errors in runs.items()]
        axes.set_yticks(range(len(runs)), counts)
        axes.set_ylim(len(runs) - 0.4, -0.6)
        furthest = max([*(max(errors) for errors in runs.values()), *(error for _, error, _ in references)])
        axes.set_xlim(0, 1.08 * furthest or 1)
        axes.set_xlabel("test error of the last epoch, %; a gray point is a run, blue is mean ± standard deviation")
        axes.set_title(title, loc="left", fontsize=10)
        if references:
            figure.legend(loc="outside lower center", frameon=False, fontsize=8, ncols=2)
        paths = [out.with_suffix(suffix) for suffix in (".png", ".svg")]
        figure.savefig(paths[0], dpi=160)
        figure.savefig(paths[1], metadata={"Date": None})
    return paths
