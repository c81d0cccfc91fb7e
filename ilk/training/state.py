"""The state of a run at one moment: what it saves, and what it goes on from."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ilk.training.dropout import set_dropout
from ilk.training.precision import resolve_precision
from ilk.training.settings import STARTING_RATE, Settings

Record = dict[str, float]
TERMS = ("labeled", "entropy", "consistency")


class TrainingState:
    """All that a run is at one moment: weights, averaged weights, momentum, its place and its records.

    Args:
        network: is trained in place.
        settings: of the run.
        frozen: layers that stay as they are: no gradient, and at rest, so that batch-norm keeps its figures.
    """

    def __init__(self, network: nn.Module, settings: Settings, frozen: Sequence[nn.Module] = ()) -> None:
        set_dropout(network, settings.dropout)
        self.frozen = tuple(frozen)
        for layer in self.frozen:
            layer.requires_grad_(False)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # left out of torch's types
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        self.optimizer = torch.optim.SGD(
            network.parameters(),
            lr=settings.learning_rate or STARTING_RATE,  # each step sets its own
            momentum=settings.momentum,
            nesterov=settings.nesterov and settings.momentum > 0,
            weight_decay=settings.weight_decay,
        )
        self.precision = resolve_precision(settings.precision, next(network.parameters()).device)
        """Of the network's arithmetic; a resumed run keeps it."""
        self.step = 0
        self.total: int | None = None
        self.sums: dict[str, Tensor | float] = dict.fromkeys(TERMS, 0.0)
        self.summed = 0
        self.skipped = 0
        """Steps that changed nothing, because they met a number that is not finite."""
        self.in_a_row = 0
        """Of these, how many came last."""
        self.halvings = 0
        """How often the batch was halved for lack of memory."""
        self.history: list[Record] = []

    def begin_training(self) -> None:
        """Put the network into training mode, all but the frozen layers."""
        self.network.train()
        for layer in self.frozen:
            layer.eval()

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of the state by name, for a checkpoint."""
        named = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        named |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            buffer = self.optimizer.state[parameter].get("momentum_buffer")
            if buffer is not None:
                named[f"momentum.{name}"] = buffer
        return named

    def place(self) -> dict[str, object]:
        """The rest of the state, as JSON can hold it."""
        return {
            "precision": self.precision,
            "step": self.step,
            "total": self.total,
            "sums": {name: float(value) for name, value in self.sums.items()},
            "summed": self.summed,
            "skipped": self.skipped,
            "in_a_row": self.in_a_row,
            "halvings": self.halvings,
            "history": self.history,
        }

    def restore(self, tensors: dict[str, Tensor], place: dict) -> None:
        """Go back to a saved state; the next step is the one that would have come next."""
        for prefix, module in (("network.", self.network), ("average.", self.average)):
            module.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
        self.optimizer.state.clear()
        for name, parameter in self.network.named_parameters():
            if f"momentum.{name}" in tensors:
                buffer = torch.empty_like(parameter).copy_(tensors[f"momentum.{name}"])
                self.optimizer.state[parameter]["momentum_buffer"] = buffer
        self.precision = place["precision"]
        self.step, self.total, self.summed = place["step"], place["total"], place["summed"]
        self.skipped, self.in_a_row, self.halvings = place["skipped"], place["in_a_row"], place["halvings"]
        self.sums, self.history = dict(place["sums"]), list(place["history"])

    def follow(self, decay: float) -> None:
        """Move the averaged weights towards the present ones; early in the run they follow faster."""
        decay = min(decay, (self.step + 1) / (self.step + 10))
        averaged, present = self.average.state_dict(), self.network.state_dict()
        for name, value in averaged.items():
            if value.is_floating_point():
                value.lerp_(present[name], 1 - decay)
            else:
                value.copy_(present[name])

    def add(self, terms: dict[str, Tensor]) -> None:
        """Count one more step, and its terms towards the next record."""
        self.step += 1
        self.summed += 1
        self.in_a_row = 0
        for name, term in terms.items():
            self.sums[name] = self.sums[name] + term.detach().double()  # stays on the device, so nothing waits for it

    def skip(self) -> None:
        """Count one more step that changed nothing."""
        self.step += 1
        self.skipped += 1
        self.in_a_row += 1

    def is_finite(self) -> bool:
        """Whether every number of the state is one."""
        return all(bool(tensor.isfinite().all()) for tensor in self.tensors().values())
