"""Labels as people write them become class names and numbers."""

from __future__ import annotations

import numpy as np
import pytest

from ilk.data.labeling import case_notes, label_text, number_labels, order_classes, plain_text, spelling_notes
from ilk.errors import DataError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", None),
        (" \u200b", None),
        (float("nan"), None),
        (3, "3"),
        (3.0, "3"),
        (np.int64(3), "3"),
        (np.float32(-1), "-1"),
        (True, "True"),
        ("3.0", "3.0"),
        (" cat ", "cat"),
        ("cafe\u0301", "caf\u00e9"),
        ("two\r\n  lines", "two lines"),
    ],
)
def test_a_cell_becomes_a_class_name(value: object, text: str | None) -> None:
    assert label_text(value, "row 1") == text
    if isinstance(value, str):
        assert plain_text(value) == (text or "")


@pytest.mark.parametrize("value", [0.5, float("inf"), ["cat"], b"cat"])
def test_what_names_no_class_is_refused_with_its_place(value: object) -> None:
    with pytest.raises(DataError, match="row 7"):
        label_text(value, "row 7")


def test_numbers_are_ordered_by_value_and_text_by_letter() -> None:
    assert order_classes(["10", "9", None, "9"]) == ("9", "10")
    assert order_classes(["10", "9", "x"]) == ("10", "9", "x")
    assert order_classes(["b", "a", "c"], order=["c", "d"]) == ("c", "a", "b")
    assert order_classes([None]) == ()


def test_each_label_gets_its_number_and_none_gets_minus_one() -> None:
    assert number_labels(["b", None, "a", "b"], ("a", "b")).tolist() == [1, -1, 0, 1]


def test_spellings_that_are_one_class_or_look_like_one_are_noted() -> None:
    (note,) = spelling_notes(["caf\u00e9", "cafe\u0301", "dog"], "labels.csv")
    assert "labels.csv" in note
    assert note.endswith("caf\u00e9.")
    assert spelling_notes(["cat", "dog"], "labels.csv") == ()
    (note,) = case_notes({"Cat": 2, "cat": 1, "dog": 5})
    assert "'Cat' (2) and 'cat' (1)" in note
    assert "dog" not in note
