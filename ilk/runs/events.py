"""Who is told what happens to a run, and how it is asked to stop: a terminal, a page, a notebook, a test."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, runtime_checkable

Progress = Callable[[int, int | None], None]
"""Called with (done, total); a total of None is not known yet."""


@runtime_checkable
class Events(Protocol):
    """What a function of `ilk.runs` tells whoever called it."""

    def say(self, text: str) -> None:
        """A line for people."""

    def warn(self, text: str) -> None:
        """A line that people should see even when all is quiet."""

    def emit(self, **fields: object) -> None:
        """The same for programs: values that JSON has, by name."""

    def progress(self, what: str) -> AbstractContextManager[Progress]:
        """Something that takes long: within the block, the function it gives is told how far it is."""


class Silent:
    """Events that nobody listens to."""

    def say(self, text: str) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Nothing."""

    def emit(self, **fields: object) -> None:
        """Nothing."""

    def progress(self, what: str) -> AbstractContextManager[Progress]:
        """A function that does nothing."""
        return nullcontext(lambda done, total: None)


SILENT: Events = Silent()


class Stop:
    """A request to stop: set `requested` from a signal, another thread or a test, and the run ends after its step.

    Args:
        requested: whether to stop.
        waits: whether a step is being trained, after which the request is honored; nothing else waits for it.
    """

    def __init__(self) -> None:
        self.requested = False
        self.waits = False

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.requested

    def check(self) -> None:
        """End what is being done where a stop was requested.

        A Ctrl-C that falls into a callback of the interpreter is printed and swallowed there; its request remains.

        Raises:
            KeyboardInterrupt: it was.
        """
        if self.requested:
            raise KeyboardInterrupt
