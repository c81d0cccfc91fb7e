"""What to explain, beside the run and the images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExplainOptions:
    """The options of one call; None where nothing was said.

    Args:
        layer: the name of a convolution.
        unit: of that layer, from 0.
        label: the class whose probability is watched.
        top9: for what drives each unit hardest.
        evolution: for the same at the epochs that the run kept.
        seed: of the images and units of an evolution, where not all are taken.
    """

    layer: str | None = None
    unit: int | None = None
    label: str | None = None
    top9: bool = False
    evolution: bool = False
    seed: int = 0
