"""Words and numbers as people read and write them."""

from __future__ import annotations

import pytest

from ilk.cli.console import Console
from ilk.runs.intervals import duration, parsed_duration


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
    ("quiet", "as_json", "out", "err"),
    [
        (False, False, "said\nresult\n", "warning: warned\n"),
        (True, False, "result\n", "warning: warned\n"),
        (False, True, '{"a": "ü"}\n', "said\nwarning: warned\n"),
        (True, True, '{"a": "ü"}\n', "warning: warned\n"),
    ],
)
def test_each_word_goes_to_its_stream(
    capsys: pytest.CaptureFixture[str], quiet: bool, as_json: bool, out: str, err: str
) -> None:
    console = Console(quiet, as_json)
    console.say("said")
    console.warn("warned")
    console.result("result")
    console.emit(a="ü")
    assert tuple(capsys.readouterr()) == (out, err)


def test_json_has_no_nan() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Console(as_json=True).emit(error=float("nan"))


def test_a_terminal_does_not_obey_the_name_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    Console().say("ship\x1b[2J\r\x9b2J\tü\nsecond line")
    assert capsys.readouterr().out == "ship\\x1b[2J\\r\\x9b2J\tü\nsecond line\n"
