"""What a command says: words for people, JSON lines for programs, and progress on the way."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SECONDS_BETWEEN_LINES = 10.0
CHECKPOINT_EVERY = "60s"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Console:
    """Where a command's words go.

    Args:
        quiet: no words but warnings and errors; the JSON lines stay.
        as_json: one JSON object per line on stdout, and the words on stderr.
    """

    quiet: bool = False
    as_json: bool = False

    def say(self, text: str = "") -> None:
        """A line for people."""
        if not self.quiet:
            put(text, aside=self.as_json)

    def warn(self, text: str) -> None:
        """A line that people should see even when all is quiet."""
        put(f"warning: {text}", aside=True)

    def emit(self, **fields: object) -> None:
        """One JSON object for programs."""
        if self.as_json:
            put(to_line(fields))

    def result(self, text: str) -> None:
        """The answer of a command, for people; said even when all is quiet, unless JSON says it."""
        if not self.as_json:
            put(text)

    @contextmanager
    def progress(self, what: str) -> Iterator[Callable[[int, int | None], None]]:
        """A bar on a terminal, a line now and then in a pipe; gives update(done, total)."""
        if self.quiet:
            yield lambda done, total: None
        elif sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
            with _bar(what) as update:
                yield update
        else:
            yield _lines(what)


def put(text: str, *, aside: bool = False) -> None:
    """Print a line at once, on stdout or aside on stderr.

    Where nobody reads any more, as after `| head` or on a terminal that is gone, the work goes on in silence. Control
    characters, which a file's name may hold, are shown as escapes: a terminal would obey them.
    """
    text = CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
    try:
        print(text, file=sys.stderr if aside else sys.stdout, flush=True)
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.EIO):
            raise
        hang_up(aside=aside)


def hang_up(*, aside: bool = False) -> None:
    """Let the rest of a stream's words go nowhere, else Python complains once more at its exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, (sys.stderr if aside else sys.stdout).fileno())
    os.close(nowhere)


def to_line(fields: dict[str, object]) -> str:
    """One JSON object on one line; letters that stdout does not have are written as \\u and their number."""
    plain = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") != "utf8"
    return json.dumps(fields, ensure_ascii=plain, allow_nan=False)


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int | None], None]]:
    from rich.console import Console as Terminal
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Else rich would print what is meant for a file or a pipe above the bar, on the terminal.
    both = sys.stdout.isatty()
    with Progress(*columns, console=Terminal(stderr=True), transient=True, redirect_stdout=both) as bar:
        task = bar.add_task(f"{what:<7}", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(what: str) -> Callable[[int, int | None], None]:
    last = time.monotonic()

    def update(done: int, total: int | None) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            put(f"{what:<7} {done:,}" + (f" of {total:,}" if total else ""), aside=True)

    return update


def duration(seconds: float) -> str:
    """Seconds as people read them: 1.9 s, 5:58, 1:02:03."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def parsed_duration(text: str) -> float:
    """Seconds from 90, 90s, 10m, 1.5h.

    Raises:
        ValueError: anything else, or nothing above 0.
    """
    plain = text.strip().lower()
    unit = {"s": 1, "m": 60, "h": 3600}.get(plain[-1:])
    seconds = float(plain[:-1]) * unit if unit else float(plain)
    if not 0 < seconds < float("inf"):
        raise ValueError(text)
    return seconds


def parsed_interval(text: str) -> tuple[float, int]:
    """The seconds in 60s, 10m or 1.5h, or the steps in 500 or "500 steps"; the other of the two is endless, or 0.

    Raises:
        ValueError: anything else, or nothing above 0.
    """
    plain = text.strip().lower()
    if plain[-1:] in ("m", "h") or (plain[-1:] == "s" and not plain.endswith("steps")):
        return parsed_duration(plain), 0
    steps = int(plain.removesuffix("steps").removesuffix("step"))
    if steps < 1:
        raise ValueError(text)
    return float("inf"), steps
