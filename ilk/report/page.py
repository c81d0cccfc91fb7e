"""From plain data to the text of the page; the words and the layout are in the .html and .css files beside this one."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from ilk.report.charts import draw_charts, in_words
from ilk.report.content import ReportContent
from ilk.report.reliability import reliability_in_words, reliability_svg
from ilk.report.thumbnails import map_picture
from ilk.report.views import (
    MOST_IMAGES,
    MOST_ROWS,
    card,
    confused_view,
    confusion_view,
    label_next,
    label_table,
    measured_view,
    percent,
    tenths,
    verdict,
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
    content.require_whole()
    environment = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(count=lambda n: f"{n:,}", percent=percent, tenths=tenths, number=in_words)
    page = environment.get_template("page.html").render(
        content=content,
        style=Markup(_text("page.css")),
        sections=sections(content),
        measured=measured_view(content),
        verdict=verdict(content),
        labels=label_table(content),
        charts=[(chart, Markup(chart.svg)) for chart in draw_charts(content.history, content.curves)],
        map=map_picture(content.map) if content.map is not None else None,
        confusion=confusion_view(content),
        confused=confused_view(content),
        surest=[card(image) for image in content.surest[:MOST_IMAGES]],
        least=[card(image) for image in content.least_sure[:MOST_IMAGES]],
        reliability=_reliability(content),
        label_next=label_next(content),
        most_rows=MOST_ROWS,
    )
    # A file name that is not UTF-8 reaches Python as lone surrogates, which no file could take.
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def sections(content: ReportContent) -> list[tuple[str, str]]:
    """(id, heading) of the sections that have something to say, in the order of the page; the id names its file."""
    has_mistakes = content.confusion is not None and content.confusion.sum() > 0
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
        ("next", "What to do next", bool(content.next_steps or label_next(content))),
    )
    return [(name, heading) for name, heading, present in every if present]


def _reliability(content: ReportContent) -> tuple[str, Markup] | None:
    if not content.reliability:
        return None
    return reliability_in_words(content.reliability, content.optimistic), Markup(reliability_svg(content.reliability))


def _text(name: str) -> str:
    return files("ilk.report").joinpath(name).read_text("utf-8")
