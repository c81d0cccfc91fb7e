"""Which sections the page has and what stands in them; figures in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ilk.measures import wilson_interval
from ilk.report import ReportContent, draw_plots, render_report
from ilk.report.views import fine_percent
from ilk.training.curves import Curve
from tests.report.contents import evaluation, whole
from tests.report.parsing import Page

SECTIONS = [
    *("Verdict", "Warnings", "What went in", "Training", "Map", "Confusion", "Surest", "Least sure", "Reliability"),
    "What to do next",
]


@pytest.fixture
def content() -> ReportContent:
    return whole()


def test_the_sections_stand_in_the_order_of_reading(content: ReportContent) -> None:
    assert Page(render_report(content)).headings() == SECTIONS


def test_what_is_empty_is_left_out() -> None:
    page = Page(render_report(ReportContent("empty")))
    assert page.headings() == []
    assert "holds nothing yet" in page.text
    assert page.all("table") == page.all("img") == page.all("svg") == page.all("nav") == []
    assert "Made by" not in page.text


PARTS = {
    "statuses": "Verdict",
    "warnings": "Warnings",
    "history": "Training",
    "map": "Map",
    "surest": "Surest",
    "least_sure": "Least sure",
    "reliability": "Reliability",
}


@pytest.mark.parametrize("part", PARTS)
def test_each_section_comes_with_its_data(content: ReportContent, part: str) -> None:
    alone = replace(ReportContent("alone"), **{part: getattr(content, part)})
    headings = Page(render_report(alone)).headings()
    assert headings == ([PARTS[part], "What to do next"] if part == "least_sure" else [PARTS[part]])


def test_a_loss_of_any_method_is_drawn_with_its_title_where_it_is_described(content: ReportContent) -> None:
    learned = replace(content, history=[{"epoch": e, "reconstruction": 4.0 / e} for e in (1, 2)])
    described = replace(
        learned, curves=[Curve("reconstruction", "Reconstruction error", "", "0 when nothing is lost.")]
    )

    assert "reconstruction 4 → 2" in Page(render_report(learned)).text
    text = Page(render_report(described)).text
    assert "Reconstruction error 4 → 2" in text
    assert "0 when nothing is lost." in text
    assert all(draw_plots(each).keys() >= {"curves.png"} for each in (learned, described))


def test_the_table_of_contents_names_every_section(content: ReportContent) -> None:
    page = Page(render_report(content))
    ids = [attributes["id"] for attributes in page.all("h2")]
    assert [attributes["href"] for attributes in page.all("a")] == ["#content", *(f"#{id}" for id in ids)]
    assert len(ids) == len(SECTIONS)


def test_an_evaluation_leads_with_its_error_and_is_not_called_optimistic() -> None:
    page = Page(render_report(evaluation()))
    assert page.headings()[0] == "Error"
    assert "optimistic" not in page.text
    assert "trained the network" not in page.text
    low, high = wilson_interval(1, 7)
    for words in (
        "14.3% of the answers are wrong",
        "1 of 7 images (test) that the run did not learn from",
        f"{fine_percent(low)} to {fine_percent(high)} would be wrong",
        "bare pixels 50.0%",
        "cat 1 of 4 25.0%",
        "dog 0 of 3 0%",
        "6 of 7 images (86%) are given their own class. The run did not learn from any of them.",
    ):
        assert words in page.text
