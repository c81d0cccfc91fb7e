"""A method of two networks with an optimizer each: the second update of a step sees what the first one did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ilk.training import Curve, Method, Moment, Settings, Term, TrainingState, Update
from ilk.training.optimizers import build_optimizer

IMAGES, BATCH, PIXELS = 24, 6, 4
NAN = float("nan")


@dataclass(frozen=True)
class Chosen:
    positions: Tensor


class Toy(Method):
    """Its first term pulls points together, its second teaches a critic to answer 1; what is called is written down.

    Args:
        settings: of the main network's optimizer; the critic has Adam.
        weights: the seed of all first weights.
        bad: whether a term of a step, by their names and numbers, is no number.
    """

    curves = (Curve("pull", "Pull"), Curve("critic_error", "Error of the critic"))
    scale = ("squared", 1.0)

    def __init__(
        self, settings: Settings, weights: int = 0, bad: Callable[[str, int], bool] = lambda name, step: False
    ) -> None:
        self.bad = bad
        self.called: list[tuple[str, int]] = []
        self.seen: list[dict[str, Tensor]] = []
        """The weights after each update."""
        self.refreshed = torch.zeros(())
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(weights)
            main = nn.Sequential(nn.Linear(PIXELS, 3), nn.BatchNorm1d(3))
            critic = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
        self.networks = {"main": main, "critic": critic}
        of_critic = replace(settings, optimizer="adam", learning_rate=0.01)
        self.optimizers = {
            "main": build_optimizer(main.parameters(), settings),
            "critic": build_optimizer(critic.parameters(), of_critic),
        }
        self.images = torch.rand(IMAGES, PIXELS, generator=torch.Generator().manual_seed(5))

    def batch_sizes(self, halvings: int) -> dict[str, int]:
        return {"images": BATCH >> halvings}

    def steps_per_epoch(self, halvings: int) -> int:
        return IMAGES // (BATCH >> halvings)

    def draw(self, moment: Moment) -> Chosen:
        self.called.append(("draw", moment.step))
        generator = torch.Generator().manual_seed(moment.step)
        return Chosen(torch.randperm(IMAGES, generator=generator)[: BATCH >> moment.halvings])

    def updates(self, batch: Chosen, moment: Moment) -> Iterator[Update]:
        self.called.append(("updates", moment.step))
        images = self.images[batch.positions]
        pull = self.networks["main"](images + self.refreshed).square().mean(0).sub(0.25).square().sum()
        yield Update({"pull": self._term("pull", pull, moment, weight=2.0)})
        self.seen.append(self.weights())
        answers = self.networks["critic"](self.networks["main"](images))
        error = answers.sub(1).square().mean()
        yield Update({"critic_error": self._term("critic_error", error, moment)}, optimizer="critic")
        self.seen.append(self.weights())

    def _term(self, name: str, value: Tensor, moment: Moment, weight: float = 1.0) -> Term:
        return Term(value * (NAN if self.bad(name, moment.step) else 1.0), weight)

    def embedding(self, network: nn.Module) -> nn.Module:
        return network

    def classifier(self, network: nn.Module, points: Any, targets: Any, classes: int) -> None:
        return None

    def prepare(self, moment: Moment, say: Callable[[str], None]) -> None:
        self.called.append(("prepare", moment.step))
        say("ready")

    def refresh(self, moment: Moment) -> None:
        self.called.append(("refresh", moment.step))
        self.refreshed = self.refreshed + 0.01

    def tensors(self) -> dict[str, Tensor]:
        return {"refreshed": self.refreshed}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        self.refreshed = tensors["refreshed"]

    def weights(self) -> dict[str, Tensor]:
        """All parameters of both networks, copied."""
        return {
            f"{name}.{own}": parameter.detach().clone()
            for name, network in self.networks.items()
            for own, parameter in network.named_parameters()
        }


def toy_state(settings: Settings, **options: Any) -> tuple[Toy, TrainingState]:
    method = Toy(settings, **options)
    return method, TrainingState(method, settings)
