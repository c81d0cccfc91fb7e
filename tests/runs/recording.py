"""Events that remember what they were told."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from ilk.runs.events import Progress


@dataclass
class Recording:
    """What was said, warned and emitted, in order, and what took long."""

    said: list[str] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    emitted: list[dict[str, object]] = field(default_factory=list)
    worked: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def emit(self, **fields: object) -> None:
        self.emitted.append(fields)

    def progress(self, what: str) -> AbstractContextManager[Progress]:
        self.worked.append(what)
        return nullcontext(lambda done, total: None)
