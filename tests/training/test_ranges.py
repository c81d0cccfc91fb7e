"""Ranges and types of settings: whatever a field is annotated with, it is checked, and the message names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Optional

import numpy as np
import pytest

from ilk.errors import UsageError
from ilk.training.ranges import Count, CountFrom0, Fraction, NotNegative, Positive, Range, check_settings

INF, NAN = float("inf"), float("nan")


@dataclass(frozen=True)
class Everything:
    """One field of each kind that a method may want."""

    count: Count = 1
    from_0: CountFrom0 = 0
    positive: Positive = 1.0
    weight: NotNegative = 0.0
    fraction: Fraction = 0.5
    open_ended: Positive | None = None
    inside: Annotated[Optional[float], Range(0)] = None  # noqa: UP045  (the older way of writing it)
    choice: Literal["one", "two"] = "one"
    choice_or_none: Literal["one", "two"] | None = None
    choice_or_number: Literal["auto"] | Count = "auto"
    number_of_two_kinds: Count | Fraction = 1
    sizes: tuple[int, ...] = ()
    pair: tuple[int, int] | None = None
    names: list[str] | None = None
    flag: bool = False
    word: str = ""


def refused(**value: object) -> str:
    with pytest.raises(UsageError) as caught:
        check_settings(Everything(**value))  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"count": np.int64(3)},
        {"positive": 1},
        {"positive": np.float32(0.5)},
        {"fraction": 0},
        {"fraction": 1.0},
        {"open_ended": 0.1},
        {"inside": 0.0},
        {"choice": "two"},
        {"choice_or_none": "two"},
        {"choice_or_number": 3},
        {"number_of_two_kinds": 7},
        {"number_of_two_kinds": 0.25},
        {"number_of_two_kinds": 0},
        {"sizes": (3, 5)},
        {"pair": (1, 2)},
        {"names": ["a"]},
        {"flag": True},
    ],
)
def test_what_is_of_its_type_and_within_its_range_passes(value: dict) -> None:
    check_settings(Everything(**value))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"count": 0}, "count must be at least 1, not 0."),
        ({"from_0": -1}, "from_0 must be at least 0, not -1."),
        ({"positive": 0.0}, "positive must be above 0, not 0.0."),
        ({"positive": INF}, "positive must be above 0, not inf."),
        ({"positive": np.float32(-0.5)}, "positive must be above 0, not -0.5."),
        ({"weight": NAN}, "weight must be at least 0, not nan."),
        ({"fraction": 1.5}, "fraction must lie between 0 and 1, not 1.5."),
        ({"open_ended": -1.0}, "open_ended must be above 0, not -1.0."),
        ({"inside": -1.0}, "inside must be at least 0, not -1.0."),
        ({"choice": "three"}, "choice is one of one, two, not 'three'."),
        ({"choice_or_none": "three"}, "choice_or_none is one of one, two, not 'three'."),
        ({"choice_or_number": "odd"}, "choice_or_number is one of auto, not 'odd'."),
        ({"choice_or_number": 0}, "choice_or_number must be at least 1, not 0."),
        ({"number_of_two_kinds": 1.5}, "number_of_two_kinds must lie between 0 and 1, not 1.5."),
    ],
)
def test_what_lies_outside_is_refused_with_its_range(value: dict, said: str) -> None:
    assert refused(**value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"count": 2.0}, "count must be of the type int, not 2.0."),
        ({"count": True}, "count must be of the type int, not True."),
        ({"positive": "1"}, "positive must be of the type float, not '1'."),
        ({"weight": None}, "weight must be of the type float, not None."),
        ({"open_ended": "1"}, "open_ended must be of the type float | None, not '1'."),
        ({"inside": "1"}, "inside must be of the type float | None, not '1'."),
        ({"choice": None}, "choice must be of the type str, not None."),
        ({"choice_or_none": 3}, "choice_or_none must be of the type str | None, not 3."),
        ({"choice_or_number": 1.5}, "choice_or_number must be of the type str | int, not 1.5."),
        ({"sizes": [3, 5]}, "sizes must be of the type tuple, not [3, 5]."),
        ({"pair": 3}, "pair must be of the type tuple | None, not 3."),
        ({"names": "a"}, "names must be of the type list | None, not 'a'."),
        ({"flag": 1}, "flag must be of the type bool, not 1."),
        ({"word": 1}, "word must be of the type str, not 1."),
    ],
)
def test_another_type_is_refused_with_the_right_one(value: dict, said: str) -> None:
    assert refused(**value) == said


def test_a_range_excludes_its_least_where_it_says_so() -> None:
    assert Range(2).problem(2) is None
    assert Range(2, above=True).problem(2) == "be above 2"
    assert Range(2, 3).problem(2) is Range(2, 3).problem(3) is None
    assert Range(2, 3).problem(3.01) == "lie between 2 and 3"
