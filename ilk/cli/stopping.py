"""How a run is stopped from outside: Ctrl-C, SIGTERM from a scheduler, SIGHUP from a terminal that closes."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from ilk.cli.console import Console, hang_up

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interruptible(console: Console, over: Callable[[], bool]) -> Iterator[Callable[[], bool]]:
    """The first signal asks to stop after the step, the second stops at once; gives stopped().

    Args:
        console: to answer on.
        over: True when no further step comes, so that the first signal stops at once too.
    """
    asked = threading.Event()

    def ask(number: int, frame: object) -> None:
        if number == signal.SIGHUP:
            leave_terminal()
        if asked.is_set() or over():
            raise KeyboardInterrupt
        asked.set()
        with suppress(RuntimeError):  # the signal came in the midst of another line
            console.warn("Stopping after this step; once more to stop at once.")

    with _answering(SIGNALS, ask):
        yield asked.is_set


@contextmanager
def ending_like_ctrl_c() -> Iterator[None]:
    """SIGTERM and SIGHUP end what runs in the block as Ctrl-C does, so that nothing half begun is left behind."""

    def end(number: int, frame: object) -> None:
        if number == signal.SIGHUP:
            leave_terminal()
        raise KeyboardInterrupt

    with _answering((signal.SIGTERM, signal.SIGHUP), end):
        yield


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
