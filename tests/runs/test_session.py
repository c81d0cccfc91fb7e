"""What is said goes to whoever listens and to train.log, where no name can play tricks on a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ilk.errors import ResourceError, UsageError
from ilk.runs.session import Session, log
from ilk.storage.run import Run
from tests.runs.recording import Recording

DATED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")


def test_lines_and_warnings_are_logged_too(tmp_path: Path) -> None:
    listener = Recording()
    session = Session(Run(tmp_path), listener)
    session.say("Plan    three steps")
    session.warn("look out")
    assert (listener.said, listener.warned) == (["Plan    three steps"], ["look out"])
    lines = (tmp_path / "train.log").read_text("utf-8").splitlines()
    assert all(DATED.match(line) for line in lines)
    assert [DATED.sub("", line) for line in lines] == ["Plan    three steps", "look out"]


def test_control_characters_of_a_class_name_are_logged_as_escapes(tmp_path: Path) -> None:
    log(Run(tmp_path), "Labels  2 of ship\x1b[2J, 3 of caf\u00e9\x9b2J\r")
    text = (tmp_path / "train.log").read_text("utf-8")
    assert text.endswith("Labels  2 of ship\\x1b[2J, 3 of caf\u00e9\\x9b2J\\r\n")


def test_a_log_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "train.log").mkdir()
    with pytest.raises((UsageError, ResourceError), match=r"train\.log"):
        log(Run(tmp_path), "word")
