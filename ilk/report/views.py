"""What each section of the page shows: lists cut to what a reader reads, counts as shares, images as thumbnails."""

from __future__ import annotations

import math
from typing import Any

from ilk.measures import most_frequent_mistakes
from ilk.report.content import Card, ReportContent
from ilk.report.limits import (
    CONFUSED_SIDE,
    IMAGE_SIDE,
    LONGEST_LEVEL_NAME,
    MOST_CARDS_OF_PAIR,
    MOST_CLASSES,
    MOST_PAIRS,
    MOST_ROWS,
    MOST_TO_LABEL,
    NEIGHBOR_SIDE,
)
from ilk.report.thumbnails import Thumbnail, thumbnail
from ilk.shapes import EVIDENCE

STATUS_MEANINGS = {
    "sure": "The nearest labeled images agree, and no other class is near.",
    "check": "An answer that may well be right, but another class is near: look at it.",
    "unlike": "Farther from every labeled image than labeled images are from each other: the answer means little.",
}


def verdict_view(content: ReportContent) -> list[dict[str, Any]]:
    """Each status with its count, its share of all images (0 to 1) and its meaning, the known ones first."""
    total = sum(content.statuses.values())
    order = [
        *(s for s in STATUS_MEANINGS if s in content.statuses),
        *(s for s in content.statuses if s not in STATUS_MEANINGS),
    ]
    return [
        {
            "name": status,
            "kind": status_style(status),
            "count": content.statuses[status],
            "share": content.statuses[status] / total if total else 0.0,
            "meaning": STATUS_MEANINGS.get(status, ""),
        }
        for status in order
    ]


def measurement_view(content: ReportContent) -> dict[str, Any] | None:
    """The measured error beside its floor, as lengths of bars in percent; of too many classes, the worst ones."""
    measured = content.measured
    if measured is None:
        return None
    error = measured.errors / measured.n
    low, high = measured.interval
    widest = max(high, measured.floor or 0.0)
    rows = [(name, report) for name, report in measured.reports if report.n]
    if len(rows) > MOST_CLASSES:
        rows = sorted(rows, key=lambda row: -(row[1].error or 0.0))[:MOST_ROWS]
    return {
        "error": error,
        "low": low,
        "high": high,
        "floor": measured.floor,
        # Both bars share one scale, on which the longest of them fills the line.
        "lengths": {
            "error": bar_length(error, widest),
            "low": bar_length(low, widest),
            "spread": bar_length(high - low, widest),
            "floor": bar_length(measured.floor or 0.0, widest),
        },
        "rows": rows,
        "more": sum(report.n > 0 for _, report in measured.reports) - len(rows),
        "precise": any(report.precision is not None for _, report in rows),
    }


def label_view(content: ReportContent) -> dict[str, Any]:
    """Labels per class in their order; of too many classes those with the fewest labels, none if all have as many."""
    counts = content.label_counts
    rows = list(counts.items())
    if len(rows) > MOST_CLASSES:
        equal = len(set(counts.values())) == 1  # one sentence says it all
        rows = [] if equal else sorted(rows, key=lambda row: row[1])[:MOST_ROWS]
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
    if counts is None or counts.total == 0:
        return None
    totals = counts.images_per_class()
    view: dict[str, Any] = {
        "right": counts.right,
        "total": counts.total,
        "long": any(len(name) > LONGEST_LEVEL_NAME for name in content.classes),
        "rows": [],
        "pairs": [],
        "more": 0,
    }
    if len(content.classes) <= MOST_CLASSES:
        view["rows"] = [
            (name, [(int(n), n / max(1, total)) for n in row], int(total))
            for name, row, total in zip(content.classes, counts.dense(), totals, strict=True)
        ]
        return view
    view["pairs"] = [
        (content.classes[each.truth], content.classes[each.answer], each.count, int(totals[each.truth]))
        for each in most_frequent_mistakes(counts, MOST_ROWS)
    ]
    view["more"] = max(0, counts.confused_pairs - MOST_ROWS)
    return view


def confused_view(content: ReportContent) -> list[dict[str, Any]]:
    """The most frequent mistakes, each with thumbnails of some images and of the labeled one nearest to each."""
    return [
        {
            "pair": pair,
            "images": [
                (
                    shown,
                    thumbnail(shown.image, CONFUSED_SIDE),
                    [(near, thumbnail(near.image, NEIGHBOR_SIDE)) for near in shown.neighbors[:1]],
                )
                for shown in pair.images[:MOST_CARDS_OF_PAIR]
            ],
        }
        for pair in content.confused[:MOST_PAIRS]
    ]


def card_view(shown: Card) -> dict[str, Any]:
    """One image with its thumbnails made."""
    neighbors: list[tuple[Any, Thumbnail]] = [
        (neighbor, thumbnail(neighbor.image, NEIGHBOR_SIDE)) for neighbor in shown.neighbors[:EVIDENCE]
    ]
    return {
        "image": shown,
        "kind": status_style(shown.status),
        "thumbnail": thumbnail(shown.image, IMAGE_SIDE),
        "neighbors": neighbors,
    }


def names_to_label(content: ReportContent) -> list[str]:
    """The names of the least sure images that have no label, the least sure first."""
    return [shown.name for shown in content.least_sure if shown.truth is None][:MOST_TO_LABEL]


def status_style(status: str) -> str:
    """The style of a status; a foreign one is "other"."""
    return status if status in STATUS_MEANINGS else "other"


def bar_length(part: float, whole: float) -> float:
    """A length in percent of the whole; 0 where there is no whole."""
    return 100 * part / whole if whole else 0.0


def percent(fraction: float) -> str:
    """A fraction as a whole percentage that never claims all or nothing falsely: 0.9996 is "over 99%"."""
    if not math.isfinite(fraction):
        return "unknown"
    if 0.99 < fraction < 1:
        return "over 99%"
    if 0 < fraction < 0.01:
        return "under 1%"
    return f"{fraction:.0%}"


def fine_percent(fraction: float) -> str:
    """A fraction as a percentage to a tenth, which is 0 or 100 only where it is so: 0.0004 is "under 0.1%"."""
    if 0 < fraction < 0.001:
        return "under 0.1%"
    if 0.999 < fraction < 1:
        return "over 99.9%"
    return f"{100 * fraction:.1f}%".replace(".0%", "%") if fraction in (0, 1) else f"{100 * fraction:.1f}%"
