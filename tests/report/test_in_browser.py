"""The page in a real browser: offline, complete, on a phone, by keyboard, on paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ilk.measures import Confusion
from ilk.report import ReportContent, render_report
from tests.report.contents import evaluation, shown, strange, whole

if TYPE_CHECKING:
    from tests.conftest import Watched

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
CONTENTS = {"run": whole, "evaluation": evaluation, "strange": strange}


def many() -> ReportContent:
    n = 1000
    counts = np.eye(n, dtype=np.int64) + np.eye(n, k=1, dtype=np.int64)
    names = tuple(f"genus species {i}" for i in range(n))
    labels = {name: i % 9 + 1 for i, name in enumerate(names)}
    return replace(whole(), classes=names, confusion=Confusion.from_dense(counts), label_counts=labels)


def wide() -> ReportContent:
    names = tuple(f"class {i}" for i in range(20))
    return replace(whole(), classes=names, confusion=Confusion.from_dense(np.full((20, 20), 1000)))


def small() -> ReportContent:
    return ReportContent(
        "two",
        statuses={"sure": 2},
        classes=("one",),
        confusion=Confusion.from_dense(np.array([[2]])),
        surest=[shown()] * 2,
    )


CONTENTS |= {"many": many, "wide": wide, "small": small}


def opened(watched: Watched, content: ReportContent, folder: Path) -> None:
    file = folder / "report.html"
    file.write_text(render_report(content), encoding="utf-8")
    watched.open(file)


@pytest.mark.parametrize("make", CONTENTS.values(), ids=CONTENTS.keys())
def test_it_stands_alone_and_fits_every_screen(
    watched: Watched, tmp_path: Path, make: Callable[[], ReportContent]
) -> None:
    page = watched.page
    opened(watched, make(), tmp_path)
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        # Nothing sticks out of the page to the right, but inside what scrolls by itself.
        out = """width => [...document.querySelectorAll("body *")].filter(element =>
            !element.closest(".wide, svg, .skip, .clamp, .track") && element.getBoundingClientRect().right > width + 1
        ).map(element => element.outerHTML.slice(0, 90))"""
        assert page.evaluate(out, size["width"]) == []
    assert (
        page.evaluate("[...document.images].filter(image => !(image.complete && image.naturalWidth > 0)).length") == 0
    )
    assert watched.requests == []
    assert watched.complaints == []


@pytest.mark.parametrize("make", [whole, evaluation, strange])
def test_headings_descend_one_step_at_a_time(
    watched: Watched, tmp_path: Path, make: Callable[[], ReportContent]
) -> None:
    opened(watched, make(), tmp_path)
    levels = watched.page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(heading => Number(heading.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_keyboard_reaches_the_content_the_sections_and_all_that_scrolls(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    page.set_viewport_size(PHONE)
    opened(watched, replace(wide(), least_sure=[shown(f"{i}.png") for i in range(40)]), tmp_path)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0  # it shows itself
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        label = "document.activeElement.getAttribute('aria-label') || document.activeElement.getAttribute('href')"
        reached.append(page.evaluate(label))
        if reached[-1] == "Images to label next":
            break
    sections = page.evaluate("[...document.querySelectorAll('h2')].map(heading => '#' + heading.id)")
    assert reached[: len(sections)] == sections
    assert reached[len(sections) :] == ["Confusion matrix", "Reliability by confidence", "Images to label next"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    scrolling = """[...document.querySelectorAll("body *")].filter(element =>
        ["auto", "scroll"].includes(getComputedStyle(element).overflowX) && element.scrollWidth > element.clientWidth
    ).map(element => [element.tabIndex, element.getAttribute("role"), Boolean(element.getAttribute("aria-label"))])"""
    found = page.evaluate(scrolling)
    assert found
    assert all(each == [0, "region", True] for each in found)


def test_a_link_leads_to_its_section(watched: Watched, tmp_path: Path) -> None:
    opened(watched, whole(), tmp_path)
    watched.page.get_by_role("link", name="Reliability").click()
    assert abs(watched.page.evaluate("document.querySelector('#reliability').getBoundingClientRect().top")) < 60


def test_on_paper_nothing_is_cut_and_all_is_black_on_white(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    page.set_viewport_size({"width": 688, "height": 1000})  # A4 without its margins
    page.emulate_media(media="print", color_scheme="dark")
    opened(watched, replace(wide(), least_sure=[shown(f"{i}.png") for i in range(40)]), tmp_path)
    style = "getComputedStyle(document.body)"
    assert page.evaluate(f"[{style}.color, {style}.backgroundColor]") == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
    whole_ones = "[...document.querySelectorAll('.cards > li, figure, tr')]"
    assert page.evaluate(f"{whole_ones}.every(each => getComputedStyle(each).breakInside === 'avoid')")
    assert not page.get_by_role("navigation").is_visible()
    cut = (
        "[...document.querySelectorAll('.wide, pre')].filter(each => each.scrollHeight > each.clientHeight + 2).length"
    )
    assert page.evaluate(cut) == 0
    assert page.evaluate("Math.max(...[...document.querySelectorAll('table')].map(t => t.offsetWidth))") <= 688


def test_dark_mode_is_dark(watched: Watched, tmp_path: Path) -> None:
    watched.page.emulate_media(color_scheme="dark")
    opened(watched, whole(), tmp_path)
    assert watched.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 22, 23)"
