"""The reliability diagram: confidence against the share of right answers, and what it means in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ilk.measures import Bin, calibration_error, wilson_interval
from ilk.report.charts import PAGE_PALETTE, Palette, as_svg, fixed_style, quiet_axes


def reliability_svg(bins: Sequence[Bin]) -> str:
    """The diagram as SVG in the colors and the font of the page around it."""
    with fixed_style("reliability"):
        figure = Figure(figsize=(4.4, 4.4))
        draw_reliability(figure, bins, PAGE_PALETTE)
        return as_svg(figure)


def draw_reliability(figure: Figure, bins: Sequence[Bin], colors: Palette, top: float = 0.97) -> None:
    """The share of right answers over their confidence, with intervals, above the number of answers in each bin.

    Args:
        figure: what to draw into; its upper end above `top` is left free.
        bins: from `measures.reliability()`, at least one.
        colors: of the page or of paper.
        top: where the diagram ends, as a fraction of the height.
    """
    claimed, held = [each.confidence for each in bins], np.array([each.accuracy for each in bins])
    # On paper the interval holds the accuracy; rounding must not give a whisker of negative length.
    whiskers = [
        np.maximum(0, held - [b.interval[0] for b in bins]),
        np.maximum(0, [b.interval[1] for b in bins] - held),
    ]
    upper = figure.add_axes((0.16, 0.31, 0.79, top - 0.31))
    upper.plot([0, 1], [0, 1], color=colors.other, linewidth=1.2, linestyle=(0, (4, 3)))
    upper.errorbar(claimed, held, whiskers, color=colors.curve, fmt="o-", markersize=5, linewidth=1.4, capsize=3)
    upper.set_ylim(-0.02, 1.02)
    upper.set_ylabel("are right", color=colors.text, fontsize=9)
    lower = figure.add_axes((0.16, 0.1, 0.79, 0.15), sharex=upper)
    lower.bar(
        [each.low for each in bins],
        [each.n for each in bins],
        width=[0.94 * (each.high - each.low) for each in bins],
        align="edge",
        color=colors.curve,
    )
    lower.set_ylabel("images", color=colors.text, fontsize=9)
    lower.set_xlabel("the answers claim", color=colors.text, fontsize=9)
    lower.set_xlim(-0.01, 1.01)
    for axes in (upper, lower):
        quiet_axes(axes, colors)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    upper.tick_params(labelbottom=False)
    upper.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    lower.yaxis.set_major_locator(MaxNLocator(2, integer=True, min_n_ticks=1))


def reliability_in_words(bins: Sequence[Bin], optimistic: bool = False) -> str:
    """What the diagram means, in one or two sentences that anyone can read.

    The answers are said to claim too much or too little only where their mean confidence lies outside the 95% interval
    of the share that is right. Labels that trained the network may prove confidence wrong, but never right: with
    `optimistic`, nothing is said in its favor.
    """
    n = sum(each.n for each in bins)
    hits = round(sum(each.n * each.accuracy for each in bins))
    claimed = sum(each.n * each.confidence for each in bins) / n
    low, high = wilson_interval(hits, n)
    if claimed > high:
        meaning = "The answers claim more than they hold: trust them less than their confidence says."
    elif optimistic:
        meaning = "These labels trained the network, so they cannot show whether new answers can be believed."
    elif claimed < low:
        meaning = "The answers hold more than they claim: they are better than their confidence says."
    else:
        meaning = "On average the confidence can be believed."
    error = 100 * calibration_error(bins)
    return (
        f"{meaning} They claim {100 * claimed:.1f}% on average, and {100 * hits / n:.1f}% of {n:,} are right; "
        f"bin by bin, claim and truth lie {error:.1f} percentage points apart (expected calibration error)."
    )
