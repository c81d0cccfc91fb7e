"""From plain data to the text of the page; the words and the layout are in page.html and page.css beside this file."""

from __future__ import annotations

import math
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ilk.report.charts import draw_charts, in_words
from ilk.report.content import ReportContent, Shown
from ilk.report.thumbnails import thumbnail

MOST_CLASSES = 20
"""More classes than this make a table that nobody reads; the telling rows are shown instead."""

MOST_ROWS = 15
"""Rows of a table of the telling ones, and sentences of a list."""

MOST_IMAGES = 8
"""Images per list: twice eight with three neighbors each stay under 1.5 MB, were they all noise."""

MOST_NEIGHBORS = 3

LONGEST_LEVEL_NAME = 3
"""In characters: longer class names stand upright above the confusion's columns."""

IMAGE_SIDE, NEIGHBOR_SIDE = 96, 48
"""The longest side of a thumbnail, in pixels."""

STATUSES = {
    "sure": "The nearest labeled images agree, and no other class is near.",
    "check": "An answer that may well be right, but another class is near: look at it.",
    "unlike": "Farther from every labeled image than labeled images are from each other: the answer means little.",
}


def render_report(content: ReportContent) -> str:
    """The whole page as HTML text; it loads nothing, runs nothing, and the same content gives the same text.

    All names are foreign text and are escaped. Long lists are cut and say so: the page stays under 1.5 MB.

    Args:
        content: what the page says.
    Returns:
        HTML, ready to be written as UTF-8.
    Raises:
        ShapeError: a confusion that does not fit its classes, or an image that cannot be shown.
    """
    content.require_whole()
    folder = files("ilk.report")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(count=lambda n: f"{n:,}", percent=percent, number=in_words)
    page = environment.from_string(folder.joinpath("page.html").read_text("utf-8")).render(
        content=content,
        style=Markup(folder.joinpath("page.css").read_text("utf-8")),
        verdict=verdict(content),
        labels=label_table(content),
        charts=[(chart, Markup(chart.svg)) for chart in draw_charts(content.history)],
        confusion=confusion_view(content),
        shown=[
            ("Surest", "surest", [card(image) for image in content.surest[:MOST_IMAGES]], len(content.surest)),
            (
                "Least sure",
                "least",
                [card(image) for image in content.least_sure[:MOST_IMAGES]],
                len(content.least_sure),
            ),
        ],
        most_rows=MOST_ROWS,
    )
    # A file name that is not UTF-8 reaches Python as lone surrogates, which no file could take.
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def verdict(content: ReportContent) -> list[dict[str, Any]]:
    """Each status with its count, its share of all images (0 to 1) and its meaning, the known ones first."""
    total = sum(content.statuses.values())
    order = [*(s for s in STATUSES if s in content.statuses), *(s for s in content.statuses if s not in STATUSES)]
    return [
        {
            "name": status,
            "kind": status if status in STATUSES else "other",
            "count": content.statuses[status],
            "share": content.statuses[status] / total if total else 0.0,
            "meaning": STATUSES.get(status, ""),
        }
        for status in order
    ]


def label_table(content: ReportContent) -> dict[str, Any]:
    """Labels per class in their order; of too many classes those with the fewest labels, none if all have as many."""
    counts = content.label_counts
    rows = list(counts.items())
    if len(rows) > MOST_CLASSES:
        alike = len(set(counts.values())) == 1  # one sentence says it all
        rows = [] if alike else sorted(rows, key=lambda row: row[1])[:MOST_ROWS]
    return {
        "rows": [(name, count, count / max(1, *counts.values())) for name, count in rows],
        "total": sum(counts.values()),
        "classes": len(counts),
        "fewest": min(counts.values(), default=0),
        "most": max(counts.values(), default=0),
    }


def confusion_view(content: ReportContent) -> dict[str, Any] | None:
    """The confusion as a matrix of few classes, or as the most frequent mistakes among many; None without counts."""
    counts = content.confusion
    if counts is None or counts.sum() == 0:
        return None
    totals = counts.sum(axis=1)
    view: dict[str, Any] = {
        "right": int(np.trace(counts)),
        "total": int(counts.sum()),
        "long": any(len(name) > LONGEST_LEVEL_NAME for name in content.classes),
        "rows": [],
        "pairs": [],
        "more": 0,
    }
    if len(content.classes) <= MOST_CLASSES:
        view["rows"] = [
            (name, [(int(n), n / max(1, total)) for n in row], int(total))
            for name, row, total in zip(content.classes, counts, totals, strict=True)
        ]
        return view
    truth, answer = np.nonzero(counts - np.diag(np.diag(counts)))
    order = np.argsort(-counts[truth, answer], kind="stable")
    view["pairs"] = [
        (content.classes[t], content.classes[a], int(counts[t, a]), int(totals[t]))
        for t, a in zip(truth[order[:MOST_ROWS]], answer[order[:MOST_ROWS]], strict=True)
    ]
    view["more"] = max(0, len(order) - MOST_ROWS)
    return view


def card(shown: Shown) -> dict[str, Any]:
    """One image with its thumbnails made."""
    return {
        "image": shown,
        "kind": shown.status if shown.status in STATUSES else "other",
        "thumbnail": thumbnail(shown.image, IMAGE_SIDE),
        "neighbors": [
            (neighbor, thumbnail(neighbor.image, NEIGHBOR_SIDE)) for neighbor in shown.neighbors[:MOST_NEIGHBORS]
        ],
    }


def percent(fraction: float) -> str:
    """A fraction as a whole percentage that never claims all or nothing falsely: 0.9996 is "over 99%"."""
    if not math.isfinite(fraction):
        return "unknown"
    if 0.99 < fraction < 1:
        return "over 99%"
    if 0 < fraction < 0.01:
        return "under 1%"
    return f"{fraction:.0%}"
