"""The page in a browser: everything that a person can do with it, without a network."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ilk.maps import render_page
from tests.conftest import Watched
from tests.maps.contents import CLASSES, content, tone

if TYPE_CHECKING:
    from playwright.sync_api import Page

N = 120
FAINT = "#e4e1da"
Opened = Callable[..., "Page"]


@pytest.fixture
def opened(watched: Watched, tmp_path: Path) -> Opened:
    """Open the small map and wait until it can be used."""

    def open_map(width: int = 1280, ready: bool = True) -> Page:
        path = tmp_path / "map.html"
        path.write_text(render_page(content(N)), "utf-8")
        watched.page.set_viewport_size({"width": width, "height": 800})
        watched.open(path)
        if ready:
            watched.page.wait_for_function("window.ilkMap.ready")
        return watched.page

    return open_map


def complaints(watched: Watched) -> list[str]:
    """What the console says, but for the remark that WebGL in software is slow, which no page can help."""
    return [text for text in watched.complaints if "GPU stall due to ReadPixels" not in text]


def point_at(page: Page, i: int) -> None:
    x, y = page.evaluate(f"ilkMap.spotOf({i})")
    page.mouse.move(x - 3, y - 3)
    page.mouse.move(x, y)
    page.wait_for_function(f"ilkMap.focused === {i}")


def selected(page: Page) -> list[int]:
    return page.evaluate("ilkMap.selected")


def test_all_points_are_there_and_nothing_is_asked_for(opened: Opened, watched: Watched) -> None:
    page = opened()
    assert page.evaluate("ilkMap.count") == N
    colors = page.evaluate(f"Array.from({{length: {N}}}, (_, i) => ilkMap.colorOf(i))")
    labeled = {i for i in range(N) if i % 4 == 0}
    assert len({colors[i] for i in labeled}) == 3
    assert len({colors[i] for i in range(N)} - {colors[i] for i in labeled}) == 1
    assert page.locator("#names span").all_inner_texts() == list(CLASSES)
    assert watched.requests == []
    assert complaints(watched) == []


def test_pointing_shows_the_image_its_answer_and_its_neighbors(opened: Opened, watched: Watched) -> None:
    page = opened()
    shown = content(N)
    for i in (7, 8):
        point_at(page, i)
        page.wait_for_function("[...document.querySelectorAll('#card canvas')].every(c => c.dataset.drawn)")
        tones = page.evaluate(
            "[...document.querySelectorAll('#card canvas')]"
            ".map(c => c.getContext('2d').getImageData(8, 8, 1, 1).data[0])"
        )
        expected = [tone(i), *(tone(int(j)) for j in shown.neighbors[i])]
        assert tones == pytest.approx(expected, abs=12)
        text = page.locator("#card").inner_text()
        assert shown.names[i] in text
        assert CLASSES[i % 3] in text
        assert ("Labeled" in text.split("Nearest")[0]) == (i % 4 == 0)
    page.mouse.move(5, 5)
    page.wait_for_function("ilkMap.focused === -1")
    assert complaints(watched) == []


def test_a_click_keeps_the_image_open_until_escape(opened: Opened) -> None:
    page = opened()
    point_at(page, 7)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_function("ilkMap.pinned")
    page.mouse.move(5, 5)
    assert page.evaluate("ilkMap.focused") == 7
    neighbor = int(content(N).neighbors[7, 0])
    page.locator("#card .near button").first.click()
    assert page.evaluate("ilkMap.focused") == neighbor
    page.keyboard.press("Escape")
    assert page.evaluate("ilkMap.focused") == -1


def test_a_filter_leaves_the_rest_gray_and_escape_clears_it(opened: Opened) -> None:
    page = opened()
    page.get_by_role("checkbox", name="bee").uncheck()
    assert selected(page) == [i for i in range(N) if i % 3 != 1]
    assert page.evaluate("ilkMap.colorOf(4)") == FAINT
    assert page.evaluate("ilkMap.colorOf(0)") != FAINT
    page.get_by_role("checkbox", name="labeled").uncheck()
    assert selected(page) == [i for i in range(N) if i % 3 != 1 and i % 4]
    page.locator("#map").focus()
    page.keyboard.press("Escape")
    assert selected(page) == []
    assert page.get_by_role("checkbox", name="bee").is_checked()


def test_the_search_finds_classes_names_and_statuses(opened: Opened) -> None:
    page = opened()
    shown = content(N)
    cases = {
        "CAT": [i for i in range(N) if i % 3 == 2],
        "img_01": [i for i in range(N) if shown.names[i].startswith("IMG_01")],
        "check": [i for i in range(N) if shown.status[i] == "check" and i % 4],
        "labeled": [i for i in range(N) if i % 4 == 0],
        "cat check": [i for i in range(N) if i % 3 == 2 and shown.status[i] == "check" and i % 4],
        "nothing like it": [],
    }
    for word, expected in cases.items():
        page.locator("#search").fill(word)
        page.wait_for_function(f"document.getElementById('count').textContent.startsWith('{len(expected)} image')")
        assert selected(page) == expected
    page.locator("#list button").first.wait_for(state="detached")


def test_each_way_of_coloring_colors(opened: Opened) -> None:
    page = opened()
    seen = set()
    for mode in ("label", "answer", "status", "confidence"):
        page.locator(f"[value={mode}]").check(force=True)
        seen.add(tuple(page.evaluate("[1, 2, 3, 5, 6, 7, 119].map(ilkMap.colorOf)")))
    assert len(seen) == 4


def test_the_arrow_keys_walk_that_way(opened: Opened) -> None:
    page = opened()
    page.locator("#map").focus()
    page.keyboard.press("ArrowRight")
    spot = page.evaluate("ilkMap.spotOf(ilkMap.focused)")
    for key, axis, sign in (("ArrowRight", 0, 1), ("ArrowUp", 1, -1), ("ArrowLeft", 0, -1), ("ArrowDown", 1, 1)):
        page.keyboard.press(key)
        there = page.evaluate("ilkMap.spotOf(ilkMap.focused)")
        assert (there[axis] - spot[axis]) * sign > 0
        spot = there
    assert content(N).names[page.evaluate("ilkMap.focused")] in page.locator("#said").inner_text()
    page.keyboard.press("Enter")
    assert page.evaluate("ilkMap.pinned")


def test_a_lasso_selects_what_lies_inside(opened: Opened) -> None:
    page = opened()
    page.get_by_role("button", name="Draw a box around images").click()
    box = page.locator("#canvas").bounding_box()
    assert box
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 4, steps=4)
    page.mouse.move(box["x"] + box["width"] - 60, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    page.wait_for_function("ilkMap.selected.length > 0")
    assert selected(page) == [i for i in range(N) if i % 3 == 2]


def test_copy_and_save_hold_the_selection(opened: Opened, tmp_path: Path) -> None:
    page = opened()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#search").fill("bee")
    page.wait_for_function("ilkMap.selected.length === 40")
    names = [content(N).names[i] for i in selected(page)]
    page.locator("#copy").click()
    page.wait_for_function("document.getElementById('copy').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()").split("\n") == names
    with page.expect_download() as download:
        page.locator("#save").click()
    download.value.save_as(tmp_path / "saved.csv")
    with (tmp_path / "saved.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["filename"] for row in rows] == names
    assert {row["answer"] for row in rows} == {"bee"}


@pytest.mark.parametrize("width", [390, 800, 1280])
def test_no_width_scrolls_sideways(opened: Opened, width: int) -> None:
    page = opened(width)
    page.evaluate("document.getElementById('table').open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_buttons_zoom_and_help_opens(opened: Opened) -> None:
    page = opened()
    before = page.evaluate("ilkMap.view()")
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_function(f"ilkMap.view()[2] < {before[2]} * 0.7")
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function(f"Math.abs(ilkMap.view()[2] - {before[2]}) < 0.01")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_without_webgl_the_still_picture_and_the_table_are_shown(opened: Opened, watched: Watched) -> None:
    watched.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page = opened(ready=False)
    page.wait_for_function("document.getElementById('why').textContent.includes('WebGL')")
    assert page.locator("#still img").is_visible()
    assert page.locator("#table td").first.is_visible()
    assert not page.locator("#map").is_visible()
    assert complaints(watched) == []
