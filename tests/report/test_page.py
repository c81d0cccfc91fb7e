"""The page: whole, self-contained, the same every time, and safe with foreign names."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ilk.errors import DataError
from ilk.measures import Confusion
from ilk.report import ConfusedPair, Neighbor, ReportContent, render_report
from ilk.report.limits import MOST_CARDS, MOST_CARDS_OF_PAIR, MOST_CLASSES, MOST_PAIRS
from tests.report.contents import map_png, plain, shown, whole
from tests.report.parsing import Page

LIMIT = 2_500_000


@pytest.fixture
def content() -> ReportContent:
    return whole()


def test_every_part_is_there(content: ReportContent) -> None:
    page = Page(render_report(content))
    for words in (
        "8 sure, 2 to check, 1 unlike anything labeled.",
        "pets/ 12 files = 11 used + 1 skipped",
        "7 labels in 2 classes, 3 to 4 in each.",
        "The space has collapsed.",
        "1 → 0.333 nats",
        "10% → 3.33%",
        "6 of 7 labeled images (86%)",
        "but labeled dog",
        "unsure.png",
        "check, 75%",
        "class 2",
        "2.25",
        "ilk search runs/pets IMAGE",
        "Find the most alike images.",
        "Labeled images in color.",
        "cat taken for dog 1×",
        "claim more than they hold",
        "90% to 100%",
        "The image that the run is least sure about",
        "folder/next.png",
        "Ilk 1.2.3",
        "2026-11-21",
        "ilk fit pets --seed 0",
    ):
        assert words in page.text
    assert "class 3" not in page.text  # three neighbors are shown, not four
    assert page.text.count("optimistic") == 3


def test_a_confusion_without_counts_counts_as_absent() -> None:
    empty = replace(plain(), confusion=Confusion.from_dense(np.zeros((2, 2), dtype=np.int64)))
    assert "Confusion" not in Page(render_report(empty)).headings()


def test_nothing_is_loaded_from_anywhere_and_nothing_runs(content: ReportContent) -> None:
    html = render_report(content)
    page = Page(html)
    for tag, attributes in page.elements:
        assert tag not in {"script", "iframe", "object", "embed", "form", "base"}
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            assert attributes.get(name, "data:").startswith(("data:", "#"))
    for place in ("http:", "https:", "@import", "expression("):
        assert place not in html
    assert "url(" not in html.replace("url(#", "")


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "a' onload='b", "{{ 7*7 }}", "&lt;"]
)
def test_foreign_names_stay_text(content: ReportContent, evil: str) -> None:
    content = replace(content, history=())
    allowed = Counter(tag for tag, _ in Page(render_report(content)).elements) + Counter(
        ["p", "strong", "bdi", "wbr"] * 3
    )
    near = Neighbor(evil, np.zeros((1, 4, 4), dtype=np.uint8), evil, 1.0)
    image = replace(shown(evil, evil, evil), status=evil, neighbors=(near,))
    foreign = replace(
        content,
        title=evil,
        facts=[(evil, evil), (evil, evil)],
        label_counts={evil: 4, "dog": 3},
        statuses={evil: 8, "check": 2, "unlike": 1},
        warnings=[evil],
        classes=(evil, "dog"),
        surest=[image],
        confused=[ConfusedPair(evil, evil, 1, (image,))],
        map_note=evil,
        map_alt=evil,
        next_steps=[(evil, evil)],
        created=evil,
        command=evil,
        version=evil,
    )
    page = Page(render_report(foreign))
    assert not Counter(tag for tag, _ in page.elements) - allowed
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert page.text.count(evil) >= 20
    assert f"the image {evil}" in [attributes["alt"] for attributes in page.all("img")]


def test_many_foreign_classes_stay_text() -> None:
    names = tuple(f"<b>{i}</b>" for i in range(MOST_CLASSES + 5))
    counts = Confusion.from_dense(np.ones((len(names), len(names)), dtype=np.int64))
    page = Page(
        render_report(ReportContent("many", label_counts=dict.fromkeys(names, 2), confusion=counts, classes=names))
    )
    assert "<b>0</b>" in page.text
    assert page.all("b") == []


def test_a_name_that_is_not_utf8_can_be_written(content: ReportContent, tmp_path: Path) -> None:
    html = render_report(replace(content, title="caf\udce9"))
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    assert "caf\\udce9" in html


def test_the_same_content_gives_the_same_text(content: ReportContent) -> None:
    assert render_report(content) == render_report(content)


def test_the_matrix_holds_the_counts(content: ReportContent) -> None:
    counts = np.random.default_rng(0).integers(0, 5, (MOST_CLASSES, MOST_CLASSES))
    names = tuple(f"n{i}" for i in range(MOST_CLASSES))
    page = Page(render_report(replace(plain(), confusion=Confusion.from_dense(counts), classes=names)))

    matrix = page.text.partition("Rows: the label. Columns: the answer.")[2].partition("Surest")[0]
    rows = [
        f"{name} {' '.join(map(str, row))} {row[i]} of {row.sum()}"
        for i, (name, row) in enumerate(zip(names, counts, strict=True))
    ]
    assert matrix.split() == " ".join([*names, "right", *rows]).split()
    cells = [attributes["class"] for attributes in page.all("td") if attributes.get("class") in ("hit", "miss", "none")]
    wanted = ["hit" if i == j else "miss" if counts[i, j] else "none" for i in range(20) for j in range(20)]
    assert cells == wanted


def test_many_classes_show_their_most_frequent_mistakes() -> None:
    rng = np.random.default_rng(0)
    counts = np.diag(np.full(1000, 9)) + (rng.random((1000, 1000)) < 0.001) * rng.integers(1, 90, (1000, 1000))
    names = tuple(f"class {i} {'long ' * 20}" for i in range(1000))
    labels = {name: 3 + i % 5 for i, name in enumerate(names)}
    html = render_report(
        ReportContent("many", label_counts=labels, confusion=Confusion.from_dense(counts), classes=names)
    )
    page = Page(html)

    places = [(i, j) for i in range(1000) for j in range(1000) if i != j and counts[i, j]]
    mistakes = sorted(places, key=lambda place: -counts[place])  # stable: equal counts stay in reading order
    words = [f"{names[i]} {names[j]} {counts[i, j]} of {counts[i].sum()}" for i, j in mistakes]
    assert " ".join(" ".join(words[:15]).split()) in page.text
    assert " ".join(words[15].split()) not in page.text
    assert f"… and {len(mistakes) - 15:,} more confused pairs." in page.text
    assert "… and 985 more classes." in page.text
    assert "in 1,000 classes, 3 to 7 in each. The classes with the fewest:" in page.text
    assert (
        " ".join(f"{name} 3" for name in names[0:75:5]).split()
        == page.text.partition("class labels ")[2].split()[: 15 * 23]
    )
    assert len(html) < 100_000


def test_many_classes_that_are_all_alike_take_a_sentence_each() -> None:
    names = tuple(map(str, range(30)))
    labels = dict.fromkeys(names, 5)
    counts = Confusion.from_dense(np.eye(30, dtype=np.int64))
    page = Page(render_report(ReportContent("right", label_counts=labels, confusion=counts, classes=names)))
    assert "150 labels in 30 classes, 5 in each." in page.text
    assert page.all("table") == []
    assert "No two classes are confused." in page.text


def test_the_page_stays_small_even_when_all_is_noise_and_too_much(content: ReportContent) -> None:
    many = [shown(f"{i}.png", size=(400, 400), seed=i) for i in range(MOST_CARDS + 3)]
    pairs = [ConfusedPair("cat", "dog", 9, tuple(many[:MOST_CARDS_OF_PAIR]))] * (MOST_PAIRS + 2)
    history = [dict.fromkeys(("epoch", "labeled", "entropy", "spread"), e % 7) for e in range(1, 5001)]
    noisy = replace(content, surest=many, least_sure=many, history=history, warnings=["w"] * 5000, confused=pairs)
    html = render_report(replace(noisy, map=map_png(1400, 1050)))

    assert len(html.encode()) < LIMIT
    assert len(Page(html).all("img")) == 2 * MOST_CARDS * 4 + MOST_PAIRS * MOST_CARDS_OF_PAIR * 2 + 1
    assert "… and 3 more images." in html
    assert "… and 2 more kinds of mistakes." in html
    assert "… and 4,985 more warnings." in html


def test_what_is_no_png_is_no_map(content: ReportContent) -> None:
    with pytest.raises(DataError, match="PNG"):
        render_report(replace(content, map=b"GIF89a"))


def test_people_who_do_not_see_it_are_told(content: ReportContent) -> None:
    page = Page(render_report(content))
    assert [attributes["lang"] for attributes in page.all("html")] == ["en"]
    assert all(attributes["alt"] for attributes in page.all("img"))
    assert all(attributes.get("scope") in ("row", "col") for attributes in page.all("th"))
    assert len([a for a in page.all("div") if a.get("role") == "img" and a["aria-label"]]) == len(page.all("svg")) == 4
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(attributes["aria-labelledby"] in ids for attributes in page.all("section"))
