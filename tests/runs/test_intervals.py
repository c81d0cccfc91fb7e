"""Times as people read and write them."""

from __future__ import annotations

import pytest

from ilk.runs.intervals import duration, parsed_duration, parsed_interval


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.0 s"), (1.94, "1.9 s"), (59.7, "1:00"), (358, "5:58"), (3723, "1:02:03")]
)
def test_durations_as_people_read_them(seconds: float, text: str) -> None:
    assert duration(float(seconds)) == text


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2M ", 120), ("0.5", 0.5)]
)
def test_durations_as_people_write_them(text: str, seconds: float) -> None:
    assert parsed_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "0", "0s", "-1m", "nan", "inf", "1e999", "ten", "1d", "1 0m 5"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (float() has its own words for some of them)
        parsed_duration(text)


@pytest.mark.parametrize(
    ("text", "seconds", "steps"),
    [
        ("60s", 60.0, 0),
        ("10m", 600.0, 0),
        ("500", float("inf"), 500),
        ("1 step", float("inf"), 1),
        ("4 steps", float("inf"), 4),
    ],
)
def test_an_interval_is_a_time_or_a_number_of_steps(text: str, seconds: float, steps: int) -> None:
    assert parsed_interval(text) == (seconds, steps)
