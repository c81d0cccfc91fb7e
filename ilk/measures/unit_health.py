"""How many units of a layer say nothing about an image: dead or saturated, at several moments of a training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UnitHealth:
    """How many units of a layer were dead and how many saturated at each moment; see `TopActivations.state()`.

    Args:
        layer: the name of a convolution.
        units: that it has.
        dead: for each moment; 0 to `units`.
        saturated: likewise.
    """

    layer: str
    units: int
    dead: tuple[int, ...]
    saturated: tuple[int, ...]

    @property
    def healthy(self) -> bool:
        """No unit is dead or saturated at any moment."""
        return not any(self.dead + self.saturated)
