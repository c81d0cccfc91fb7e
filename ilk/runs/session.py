"""Work on a run folder: who listens, what stops it, when it began. What is said goes to train.log too."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from ilk.runs.events import Events, Silent, Stop
from ilk.storage.files import write_error
from ilk.storage.run import Run

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Session:
    """From the start of fit or resume to its end, in a folder that is held for it.

    Args:
        run: where.
        events: who is told.
        stop: asked between two steps, and between two outputs.
        started: when the time limit began, by time.monotonic().
        choose_threads: whether the number of PyTorch's threads follows the pace of the steps, on a CPU; else it stays.
    """

    run: Run
    events: Events = field(default_factory=Silent)
    stop: Stop = field(default_factory=Stop)
    started: float = field(default_factory=time.monotonic)
    choose_threads: bool = False

    def say(self, line: str) -> None:
        """A line for people and for train.log."""
        self.events.say(line)
        log(self.run, line)

    def warn(self, line: str) -> None:
        """A line that people should see even when all is quiet, and train.log."""
        self.events.warn(line)
        log(self.run, line)


def log(run: Run, line: str) -> None:
    """One dated line in train.log, the one file of a run that knows about time."""
    path: Path = run.log
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {escaped(line)}\n")
    except OSError as error:
        raise write_error(error, path, len(line)) from error


def escaped(text: str) -> str:
    """The text with its control characters shown as escapes: a terminal would obey those in the name of a file."""
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
