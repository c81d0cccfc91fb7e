"""The settings of neighbor embedding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from ilk.distances import Distance
from ilk.training.ranges import Choice, Count, CountFrom0, Fraction, NotNegative, Positive, Range, check_settings

TEMPERATURE = 8.0
"""The temperature of a network that names none."""


@dataclass(frozen=True)
class NeighborSettings:
    """What neighbor embedding minimizes, and on which images; the defaults are those of `ilk fit`.

    Raises:
        UsageError: a value out of its range.
    """

    sets: Count = 3
    """K, reference sets per step, each averaged as a C-way loss of its own."""
    queries: Count = 32
    """Labeled queries per step."""
    pool: CountFrom0 = 96
    """Images per step that are taken as unlabeled."""
    pool_of: Annotated[str, Choice("all", "unlabeled")] = "all"
    """Which images make the pool: "all", or those that are "unlabeled"."""
    sampled_classes: Annotated[int, Range(2)] = 64
    """Classes compared in one step at most; with more, a step samples classes, which is another objective."""
    exclude_own: bool = True
    """Whether a query that is its own reference is left out of the loss."""

    distance: Distance = "squared"
    """Either "squared" (the paper's text) or "euclidean" (its released code)."""
    temperature: Positive | None = None
    """Divides the distances, and so sets the scale at which the embedding is sure; None for the network's own, which is
    8 for most."""
    labeled_weight: NotNegative = 1.0
    """λ_l of eq. 6."""
    entropy_weight: NotNegative = 0.1
    """λ_u of eq. 6."""
    entropy_start: Fraction = 0.5
    """Fraction of the run before λ_u begins to grow from 0; early, it makes mistakes certain."""
    entropy_ramp: Fraction = 0.3
    """Fraction of the run in which λ_u then grows to its full size."""
    consistency_weight: NotNegative = 1.0
    """Weight of the agreement of an augmented image with its pseudo-label; 0 turns it off."""
    threshold: Fraction = 0.95
    """P from which the class that the averaged network gives an image counts as certain."""
    adversarial: NotNegative = 0.07
    """Root mean square of the change that leads an image of the pool farthest from its class; black is −1, white 1."""

    spread_share: Fraction = 0.9
    """Largest share of images that start with a pseudo-label from label propagation, 0 for none."""
    spread_until: Fraction = 0.2
    """Fraction of the run after which the averaged network gives the pseudo-labels; sooner it has little to teach."""

    def __post_init__(self) -> None:
        check_settings(self)

    def for_network(self, network: object) -> NeighborSettings:
        """The same settings with the temperature of this network, or class of networks, filled in."""
        return replace(self, temperature=self.temperature or getattr(network, "temperature", TEMPERATURE))

    @property
    def temperature_value(self) -> float:
        """The temperature as a number."""
        return self.temperature or TEMPERATURE

    def entropy_weight_at(self, progress: float, compared_share: float = 1.0) -> float:
        """λ_u: 0 up to `entropy_start` of the run, then growing linearly over `entropy_ramp` of it.

        Args:
            progress: share of the run that is done, 0 to 1.
            compared_share: of the classes, those that a step compares, above 0 to 1: an image of a class that is not
                compared lies near none of the references, so the entropy counts only so much.
        """
        past = progress - self.entropy_start
        if past < 0:
            return 0.0
        grown = min(1.0, past / self.entropy_ramp) if self.entropy_ramp > 0 else 1.0
        return self.entropy_weight * compared_share * grown
