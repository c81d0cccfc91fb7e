"""The page of a report as text; its words and its layout are in the .html and .css files beside this one."""

from __future__ import annotations

from markupsafe import Markup

from ilk.report.charts import draw_charts
from ilk.report.content import ReportContent
from ilk.report.limits import MOST_CARDS, MOST_ROWS
from ilk.report.reliability import reliability_in_words, reliability_svg
from ilk.report.templates import render_template
from ilk.report.thumbnails import map_picture
from ilk.report.views import (
    card_view,
    confused_view,
    confusion_view,
    label_view,
    measurement_view,
    names_to_label,
    verdict_view,
)


def render_report(content: ReportContent) -> str:
    """The whole page as HTML text; it loads nothing, runs nothing, and the same content gives the same text.

    All names are foreign text and are escaped. Long lists are cut and say so: the page stays under 2.5 MB.

    Args:
        content: what the page says.
    Returns:
        HTML, ready to be written as UTF-8.
    Raises:
        ShapeError: a confusion that does not fit its classes, or an image that cannot be shown.
        DataError: a map that is no PNG.
    """
    content.require_valid()
    return render_template(
        "page.html",
        ("page.css",),
        content=content,
        sections=sections(content),
        measured=measurement_view(content),
        verdict=verdict_view(content),
        labels=label_view(content),
        charts=[(chart, Markup(chart.svg)) for chart in draw_charts(content.history, content.curves)],
        map=map_picture(content.map) if content.map is not None else None,
        confusion=confusion_view(content),
        confused=confused_view(content),
        surest=[card_view(image) for image in content.surest[:MOST_CARDS]],
        least=[card_view(image) for image in content.least_sure[:MOST_CARDS]],
        reliability=_reliability(content),
        label_next=names_to_label(content),
        most_rows=MOST_ROWS,
    )


def sections(content: ReportContent) -> list[tuple[str, str]]:
    """(id, heading) of the sections that have something to say, in the order of the page; the id names its file."""
    has_mistakes = content.confusion is not None and content.confusion.total > 0
    every = (
        ("measured", "Error", content.measured is not None),
        ("verdict", "Verdict", bool(content.statuses)),
        ("warnings", "Warnings", bool(content.warnings)),
        ("input", "What went in", bool(content.facts or content.label_counts)),
        ("training", "Training", bool(draw_charts(content.history, content.curves))),
        ("map", "Map", content.map is not None),
        ("confusion", "Confusion", has_mistakes or bool(content.confused)),
        ("surest", "Surest", bool(content.surest)),
        ("least", "Least sure", bool(content.least_sure)),
        ("reliability", "Reliability", bool(content.reliability)),
        ("next", "What to do next", bool(content.next_steps or names_to_label(content))),
    )
    return [(name, heading) for name, heading, present in every if present]


def _reliability(content: ReportContent) -> tuple[str, Markup] | None:
    if not content.reliability:
        return None
    return reliability_in_words(content.reliability, content.optimistic), Markup(reliability_svg(content.reliability))
