"""Words and numbers as people read and write them."""

from __future__ import annotations

import pytest

from ilk.cli.console import Console


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
