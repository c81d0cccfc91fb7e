"""The account of what went in: used + skipped = found, in words and for programs."""

from __future__ import annotations

import numpy as np

from ilk.data import Dataset, Skipped, UnmatchedRow
from ilk.data.summary import (
    FIRST_STRONG_ISOLATE,
    LONGEST_NAME,
    POP_ISOLATE,
    SHOWN_SKIPPED,
    counted,
    data_line,
    facts,
    labels_line,
    short,
    skipped_lines,
)


def dataset(targets: list[int], skipped: tuple[Skipped, ...] = (), unmatched: int = 0) -> Dataset:
    return Dataset(
        images=np.zeros((len(targets), 1, 4, 6), dtype=np.uint8),
        names=tuple(map(str, range(len(targets)))),
        targets=np.array(targets),
        classes=("cat", "dog"),
        source="pets",
        skipped=skipped,
        ignored=1,
        unmatched=(UnmatchedRow(2, "x.png", None),) * unmatched,
    )


def test_the_lines_add_up() -> None:
    data = dataset([0, 0, 1, -1], (Skipped("a.png", "it is empty"),), unmatched=1)
    assert data_line(data, "skipped.csv") == (
        "Data    pets  5 found = 4 used + 1 skipped (skipped.csv), 1 other file ignored"
    )
    assert labels_line(data) == (
        "Labels  3 labeled in 2 classes (cat 2, dog 1), 1 unlabeled, 1 row of the table without an image"
    )
    assert labels_line(dataset([0, 1])).startswith("Labels  2 labeled in 2 classes (1 each: cat, dog), 0 unlabeled")
    found = facts(data)
    assert found["found"] == found["used"] + found["skipped"] == 5
    assert found["labeled"] + found["unlabeled"] == found["used"]
    assert (found["channels"], found["height"], found["width"]) == (1, 4, 6)


def test_few_skipped_files_have_a_line_each_and_many_a_line_per_reason() -> None:
    few = [Skipped(f"{i}.png", f"it has {i} bytes") for i in range(SHOWN_SKIPPED)]
    assert skipped_lines(few) == [f"skipped {i}.png: it has {i} bytes" for i in range(SHOWN_SKIPPED)]
    first, second, every = skipped_lines([*few, Skipped("page.png", "it is a web page")])
    assert first == f"{SHOWN_SKIPPED} skipped, the first 0.png: it has 0 bytes"
    assert second == "skipped page.png: it is a web page"
    assert "skipped.csv" in every


def test_nouns_follow_their_number_and_long_names_are_cut() -> None:
    assert [counted(n, "class", "classes") for n in (0, 1, 2000)] == ["0 classes", "1 class", "2,000 classes"]
    assert short("x" * LONGEST_NAME) == "x" * LONGEST_NAME
    assert short("x" * (LONGEST_NAME + 1)) == "x" * LONGEST_NAME + "…"
    assert short("חתול") == f"{FIRST_STRONG_ISOLATE}חתול{POP_ISOLATE}"
