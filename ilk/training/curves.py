"""What a curve of a run is called and what it says; a method declares its own, and the report draws them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Curve:
    """A value over the epochs of a run.

    Args:
        name: its key in the history, such as "labeled".
        title: its heading on a page.
        unit: of the value that is drawn, such as "nats" or "%"; "" where it has none.
        meaning: what it says, in one sentence; "" where nobody described it.
        scale: turns the history's value into the unit.
        optimistic: whether it flatters, such as an error on images that were learned from.
    """

    name: str
    title: str
    unit: str = "nats"
    meaning: str = ""
    scale: float = 1.0
    optimistic: bool = False
