"""How a run is stopped from outside: Ctrl-C, SIGTERM from a scheduler, SIGHUP from a terminal that closes."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from ilk.cli.console import Console, hang_up
from ilk.runs.events import Stop

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stoppable(console: Console) -> Iterator[Stop]:
    """While a step is trained, the first signal asks to stop after it and the second stops at once; else the first.

    SIGTERM and SIGHUP end like Ctrl-C, so that nothing half begun is left behind.
    """
    stop = Stop()

    def ask(number: int, frame: object) -> None:
        if number == signal.SIGHUP:
            leave_terminal()
        at_once = stop.requested or not stop.waits
        stop.requested = True  # also where the exception falls into a callback that swallows it
        if at_once:
            raise KeyboardInterrupt
        with suppress(RuntimeError):  # the signal came in the midst of another line
            console.warn("Stopping after this step; once more to stop at once.")

    with _answering(SIGNALS, ask):
        yield stop


@contextmanager
def _answering(numbers: Sequence[int], answer: Callable[[int, object], None]) -> Iterator[None]:
    # Only a program's main thread may catch signals; elsewhere a run cannot be stopped this way.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # nohup asked for it
    before = {n: signal.signal(n, answer) for n in numbers if not (n == signal.SIGHUP and ignored)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave_terminal() -> None:
    """Say nothing more to a terminal that is gone: each word would be an error."""
    for stream, aside in ((sys.stdout, False), (sys.stderr, True)):
        if stream.isatty():
            hang_up(aside=aside)
