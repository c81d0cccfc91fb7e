"""What `ilk explain` was asked for, beside the run and the images."""

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

    def words(self) -> list[str]:
        """The same as arguments of the command line."""
        words = [("--layer", self.layer), ("--unit", self.unit), ("--label", self.label)]
        said = [str(word) for option, value in words if value is not None for word in (option, value)]
        flags = [*(["--top9"] if self.top9 else []), *(["--evolution"] if self.evolution else [])]
        return [*said, *flags, *(["--seed", str(self.seed)] if self.evolution and self.seed else [])]
