"""Every setting of a training run, saved in the run as given."""

from __future__ import annotations

import numbers
from dataclasses import dataclass, fields, replace

from ilk.distances import DISTANCES, Distance
from ilk.errors import UsageError

AUGMENTATIONS = ("affine", "none")
POOLS = ("all", "unlabeled")
INITIALIZATIONS = ("pytorch", "torch7")
SCHEDULES = ("cosine", "steps", "plateau")
PRECISIONS = ("auto", "float32", "bfloat16")
CHOICES = {
    "distance": DISTANCES,
    "augment": AUGMENTATIONS,
    "schedule": SCHEDULES,
    "pool_of": POOLS,
    "initialization": INITIALIZATIONS,
    "precision": PRECISIONS,
}
TYPES: dict[str, type] = {"bool": bool, "str": str, "Distance": str, "int": numbers.Integral, "float": numbers.Real}
STARTING_RATE = 0.1
"""The learning rate of a network that names none."""
TEMPERATURE = 8.0
"""The temperature of a network that names none."""


@dataclass(frozen=True)
class Settings:
    """How a network is trained; the defaults are what `ilk fit` uses, and each field says what it sets.

    Exactly one of `epochs` and `time_limit` gives the length of the run.

    Raises:
        UsageError: a value out of its range, or not exactly one length.
    """

    epochs: float | None = None
    """Passes over the unlabeled pool, fractions too."""
    time_limit: float | None = None
    """Seconds for the whole run, predictions and report included."""

    sets: int = 3
    """K, reference sets per step, each averaged as a C-way loss of its own."""
    queries: int = 32
    """Labeled queries per step."""
    pool: int = 96
    """Images per step that are taken as unlabeled."""
    pool_of: str = "all"
    """Which images make the pool: "all", or those that are "unlabeled"."""
    compared: int = 64
    """Classes compared in one step at most; with more, a step samples classes, which is another objective."""
    exclude_own: bool = True
    """Whether a query that is its own reference is left out of the loss."""

    distance: Distance = "squared"
    """Either "squared" (the paper's text) or "euclidean" (its released code)."""
    temperature: float | None = None
    """Above 0; divides the distances, and so sets the scale at which the embedding is sure; None for the network's own,
    which is 8 for most."""
    labeled_weight: float = 1.0
    """λ_l of eq. 6, at least 0."""
    entropy_weight: float = 0.1
    """λ_u of eq. 6, at least 0."""
    entropy_start: float = 0.5
    """Fraction of the run before λ_u begins to grow from 0, 0 to 1; early, it makes mistakes certain."""
    entropy_ramp: float = 0.3
    """Fraction of the run in which λ_u then grows to its full size, 0 to 1."""
    consistency_weight: float = 1.0
    """Weight of the agreement of a changed image with the class that is believed of it; 0 turns it off."""
    threshold: float = 0.95
    """P from which the class that the averaged network gives an image counts as certain, 0 to 1."""
    augment: str = "affine"
    """How the pool's images are changed: "affine" (turns, shifts, scales, shears) or "none"."""
    augment_strength: float = 1.0
    """At least 0; times ±12°, ±10% scale, ±0.1 shear, ±7% shift."""
    adversarial: float = 0.07
    """Root mean square of the change that leads an image of the pool farthest from its class; black is −1, white 1."""

    spread_share: float = 0.9
    """Greatest share of the images whose class is believed from the start, because labels that were spread over a graph
    of alike images, and hidden ones in turn, bear it out; 0 to 1, 0 for none."""
    spread_until: float = 0.2
    """Fraction of the run after which the averaged network teaches instead, 0 to 1; sooner it has little to teach."""

    initialization: str = "pytorch"
    """Of fresh weights: "pytorch"; or "torch7", whose batch-norm begins with scales drawn from 0 to 1, not with 1."""
    subtract_mean: bool = False
    """Whether the mean color of the training images is taken off every image, also of those to be answered."""
    dropout: float = 0.0
    """Share that dropout layers leave out, 0 to 1; 0 because distances of points so disturbed are mostly noise."""
    learning_rate: float | None = None
    """Of stochastic gradient descent, at its highest; None for the network's `starting_rate`."""
    momentum: float = 0.9
    """0 to 1."""
    nesterov: bool = True
    """Whether the gradient looks ahead by the momentum."""
    weight_decay: float = 5e-4
    """On all parameters, at least 0."""
    schedule: str = "cosine"
    """Either "cosine" to 0; "steps": divided by 10 after each third of the run, as in the paper; or "plateau": divided
    by 10 when the labeled loss has not fallen for `patience` records."""
    patience: int = 4
    """Records (one an epoch, 10 to 40 a run) without a lower labeled loss, after which "plateau" divides the rate."""
    warmup_steps: int = 100
    """Steps in which the learning rate grows from 0; at most a fifth of the run."""
    averaging: float = 0.999
    """Decay of the averaged weights that answer in the end, 0 to 1; 0 answers with the last weights."""
    precision: str = "auto"
    """Of the network's arithmetic in training: "float32", "bfloat16", or "auto" for the latter where it is native."""
    seed: int = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        self._require_types()
        if (self.epochs is None) == (self.time_limit is None):
            raise UsageError("Give either a number of epochs or a time limit, not both and not neither.")
        for name in ("epochs", "time_limit", "temperature", "learning_rate"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"{name} must be above 0, not {value}.")
        for name in (
            "augment_strength",
            "adversarial",
            "labeled_weight",
            "entropy_weight",
            "consistency_weight",
            "weight_decay",
            "warmup_steps",
        ):
            if not 0 <= getattr(self, name) < float("inf"):
                raise UsageError(f"{name} must be at least 0, not {getattr(self, name)}.")
        for name, least in (("sets", 1), ("queries", 1), ("pool", 0), ("compared", 2), ("patience", 1)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be at least {least}, not {getattr(self, name)}.")
        for name in (
            "entropy_start",
            "entropy_ramp",
            "threshold",
            "spread_share",
            "spread_until",
            "momentum",
            "averaging",
            "dropout",
        ):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} must lie between 0 and 1, not {getattr(self, name)}.")
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UsageError(f"{name} is one of {', '.join(allowed)}, not {getattr(self, name)!r}.")

    def _require_types(self) -> None:
        for field in fields(self):
            value, kind = getattr(self, field.name), str(field.type)  # such as "float | None"
            wrong = isinstance(value, bool) != (kind == "bool") or not isinstance(value, TYPES[kind.partition(" ")[0]])
            if wrong and not (value is None and "None" in kind):
                raise UsageError(f"{field.name} must be of the type {kind}, not {value!r}.")

    @property
    def uses_consistency(self) -> bool:
        """Whether the pool's images are changed, and are to have the class that is believed of them."""
        return self.pool > 0 and self.consistency_weight > 0 and (self.augment != "none" or self.adversarial > 0)

    def for_network(self, network: object) -> Settings:
        """The same settings with the learning rate and temperature of this network, or class of networks, filled in."""
        return replace(
            self,
            learning_rate=self.learning_rate or getattr(network, "starting_rate", STARTING_RATE),
            temperature=self.temperature or getattr(network, "temperature", TEMPERATURE),
        )

    @property
    def divisor(self) -> float:
        """The temperature as a number."""
        return self.temperature or TEMPERATURE
