"""What a method is to the training loop: networks, optimizers, batches, and the losses of each update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from torch import Tensor, nn
from torch.optim import Optimizer

from ilk.distances import Distance
from ilk.training.curves import Curve

MAIN = "main"
"""The name of the network that answers in the end, and whose weights are averaged."""


@dataclass(frozen=True)
class Term:
    """One term of a loss: a scalar, and the weight with which it counts at this moment of the run."""

    value: Tensor
    weight: float = 1.0


@dataclass(frozen=True)
class Update:
    """One step of one optimizer: the terms whose weighted sum it minimizes.

    Args:
        terms: by the names of the method's curves; at least one.
        optimizer: the name of the optimizer that steps.
    """

    terms: Mapping[str, Term]
    optimizer: str = MAIN


@dataclass(frozen=True)
class Moment:
    """Where a run stands when a step begins.

    Args:
        step: counted from 0.
        total: steps of the run; None while the length of a timed run is still being measured.
        halvings: how often the batch was halved for lack of memory.
        precision: of the network's arithmetic, "float32" or "bfloat16".
        average: the main network with the averaged weights, in evaluation mode.
    """

    step: int
    total: int | None
    halvings: int
    precision: str
    average: nn.Module

    @property
    def progress(self) -> float:
        """The share of the run that is done, 0 to 1; 0 while the length is not known."""
        return 0.0 if self.total is None else self.step / self.total


@runtime_checkable
class MethodSettings(Protocol):
    """The settings of a method: a frozen dataclass that JSON can hold."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def for_network(self, network: object) -> MethodSettings:
        """The same settings with what they leave to a network, or class of networks, filled in."""
        ...


@runtime_checkable
class Batch(Protocol):
    """What one step looks at; all that the loop knows of it is which images they are."""

    @property
    def positions(self) -> Tensor:
        """Shape (images,), their positions in the data set."""


@runtime_checkable
class Method(Protocol):
    """How a step learns. The loop calls it and knows no formula of its loss, no network and no image.

    A step is a function of (seed, step): `draw` and `updates` use generators seeded by both, never global ones.

    The table `ilk.methods.METHODS` builds it as (network, source, targets, settings, options, priors, frozen).

    Attributes:
        Options: the class of its settings, by which the table finds the method.
        recipes: names for `ilk fit --recipe`, each with settings.
        networks: by name; "main" answers in the end and is averaged, others are decoders, generators, heads.
        optimizers: by name, over disjoint parameters of the networks, from `build_optimizer()`.
        scale: the distance ("squared" or "euclidean") of its points and the temperature that divides it: how far apart
            images must lie to count as different.
        curves: the terms of its losses, in the order of metrics.csv, the log line and the report; the first one
            decides the schedule "plateau".
    """

    Options: ClassVar[type]
    recipes: ClassVar[Mapping[str, Any]]
    networks: Mapping[str, nn.Module]
    optimizers: Mapping[str, Optimizer]
    curves: Sequence[Curve]
    scale: tuple[Distance, float]

    def batch_sizes(self, halvings: int) -> Mapping[str, int]:
        """Images of each kind in a step after so many halvings, such as {"labeled": 32, "unlabeled": 96}."""
        ...

    def steps_per_epoch(self, halvings: int) -> int:
        """Steps in one pass over the images, at least 1."""
        ...

    def draw(self, moment: Moment) -> Batch:
        """The images of the next step."""
        ...

    def updates(self, batch: Any, moment: Moment) -> Iterator[Update]:
        """The updates of one step, one after the other: each is taken before the next is computed."""
        ...

    def embedding(self, network: nn.Module) -> nn.Module:
        """The part of a main network that gives the points of images; it may be the whole."""
        ...

    def classifier(self, network: nn.Module, points: Any, targets: Any, classes: int) -> Any:
        """What answers in the end: the averaged main network's classifier over the points of the labeled images."""
        ...

    def prepare(self, moment: Moment, say: Callable[[str], None]) -> None:
        """Once before the first step of a run or of its resumption; `say` tells people what was found."""

    def refresh(self, moment: Moment) -> None:
        """Before each step: renew what is computed now and then, such as clusters or pseudo-labels."""

    def tensors(self) -> dict[str, Tensor]:
        """What `prepare` and `refresh` left behind and cannot compute again, for the checkpoint."""
        return {}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors()` gave."""
