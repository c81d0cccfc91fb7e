"""What a command says: words for people, JSON lines for programs, and progress on the way."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ilk.cli.option_names import with_options
from ilk.runs.session import escaped

SECONDS_BETWEEN_LINES = 10.0


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
            put(with_options(text), aside=self.as_json)

    def warn(self, text: str) -> None:
        """A line that people should see even when all is quiet."""
        put(f"warning: {with_options(text)}", aside=True)

    def emit(self, **fields: object) -> None:
        """One JSON object for programs."""
        if self.as_json:
            put(to_line(fields))

    def result(self, text: str) -> None:
        """The answer of a command, for people; said even when all is quiet, unless JSON says it."""
        if not self.as_json:
            put(with_options(text))

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
    try:
        print(escaped(text), file=sys.stderr if aside else sys.stdout, flush=True)
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
