"""Who listens: any object with the four methods; and how a stop is asked for."""

from __future__ import annotations

import pytest

from ilk.cli.console import Console
from ilk.runs.events import SILENT, Events, Stop
from tests.runs.recording import Recording


@pytest.mark.parametrize("listener", [SILENT, Console(), Recording()])
def test_each_of_these_listens(listener: object) -> None:
    assert isinstance(listener, Events)


def test_nobody_is_told_anything(capsys: pytest.CaptureFixture[str]) -> None:
    SILENT.say("a")
    SILENT.warn("b")
    SILENT.emit(event="c")
    with SILENT.progress("d") as update:
        update(1, None)
    assert tuple(capsys.readouterr()) == ("", "")


def test_a_stop_is_found_when_it_is_looked_for() -> None:
    stop = Stop()
    stop.check()
    assert not stop()
    stop.requested = True
    assert stop()
    with pytest.raises(KeyboardInterrupt):
        stop.check()
