"""What a method's figures are called, and what they say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Curve:
    """One figure of a training, followed over its records.

    Args:
        name: its key in a record and its column in metrics.csv.
        title: for people.
        unit: such as "nats"; empty for none.
        meaning: a sentence that says its value at a landmark.
        scale: turns the recorded value into the unit.
        optimistic: whether it flatters, such as an error on labels that were learned from.
    """

    name: str
    title: str
    unit: str = "nats"
    meaning: str = ""
    scale: float = 1.0
    optimistic: bool = False
