"""The settings that every training run has, saved in the run as given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from ilk.errors import UsageError
from ilk.training.ranges import Choice, Count, CountFrom0, Fraction, NotNegative, Positive, check_settings

STARTING_RATE = 0.1
"""The learning rate of "sgd" for a network that names none."""
ADAM_RATE = 1e-3
"""The learning rate of "adam" and "adamw" for every network."""


@dataclass(frozen=True)
class Settings:
    """How long and how a network is trained, whatever the method minimizes; a method has settings of its own beside it.

    Exactly one of `epochs` and `time_limit` gives the length of the run.

    Raises:
        UsageError: a value out of its range, or not exactly one length.
    """

    epochs: Positive | None = None
    """Passes over the images that an epoch of the method counts, fractions too."""
    time_limit: Positive | None = None
    """Seconds for the whole run, including what the caller needs after the training."""

    augment: Annotated[str, Choice("affine", "none")] = "affine"
    """How a method changes the images that it augments: "affine" (turns, shifts, scales, shears) or "none"."""
    augment_strength: NotNegative = 1.0
    """Times ±12°, ±10% scale, ±0.1 shear, ±7% shift."""

    initialization: Annotated[str, Choice("pytorch", "torch7")] = "pytorch"
    """Of fresh weights: "pytorch"; or "torch7", whose batch-norm begins with scales drawn from 0 to 1, not with 1."""
    subtract_mean: bool = False
    """Whether the mean color of the training images is subtracted from every image, also of those to be answered."""
    dropout: Fraction = 0.0
    """Share that dropout layers leave out; 0 because distances of points so disturbed are mostly noise."""

    optimizer: Annotated[str, Choice("sgd", "adam", "adamw")] = "sgd"
    """Stochastic gradient descent, Adam, or Adam with decoupled weight decay."""
    learning_rate: Positive | None = None
    """At its highest; None for the network's `starting_rate` with "sgd", for 0.001 with the others."""
    momentum: Fraction = 0.9
    """Of "sgd"; the decay of the mean gradient (β₁) of the others."""
    nesterov: bool = True
    """Whether the gradient of "sgd" looks ahead by the momentum."""
    weight_decay: NotNegative = 5e-4
    """On all parameters."""
    schedule: Annotated[str, Choice("cosine", "steps", "plateau")] = "cosine"
    """Either "cosine" to 0; "steps": divided by 10 after each third of the run, as in the paper; or "plateau": divided
    by 10 when the method's first loss has not fallen for `patience` records."""
    patience: Count = 4
    """Records (one an epoch, 10 to 40 a run) without a lower loss, after which "plateau" divides the rate."""
    warmup_steps: CountFrom0 = 100
    """Steps in which the learning rate grows from 0; at most a fifth of the run."""
    averaging: Fraction = 0.999
    """Decay of the averaged weights that answer in the end; 0 answers with the last weights."""
    precision: Annotated[str, Choice("auto", "float32", "bfloat16")] = "auto"
    """Of the network's arithmetic in training; "auto" is bfloat16 where the processor has it."""
    seed: int = 0
    """Of everything random."""

    def __post_init__(self) -> None:
        check_settings(self)
        if (self.epochs is None) == (self.time_limit is None):
            raise UsageError("Give either a number of epochs or a time limit, not both and not neither.")

    def for_network(self, network: object) -> Settings:
        """The same settings with the learning rate of this network, or class of networks, filled in."""
        own = getattr(network, "starting_rate", STARTING_RATE) if self.optimizer == "sgd" else ADAM_RATE
        return replace(self, learning_rate=self.learning_rate or own)
