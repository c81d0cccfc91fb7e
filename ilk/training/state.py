"""The state of a run at one moment: what it saves, and what it resumes from."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ilk.errors import ModelError
from ilk.training.dropout import set_dropout
from ilk.training.method import MAIN, Method, Moment
from ilk.training.optimizers import optimizer_tensors, parameter_names, restore_optimizer
from ilk.training.precision import resolve_precision
from ilk.training.settings import Settings

Record = dict[str, float]


class TrainingState:
    """All that a run is at one moment: weights, averaged weights, optimizers, its step and its records.

    Args:
        method: its networks are trained in place.
        settings: of the run.
        frozen: layers of the main network that stay as they are: no gradient, and in evaluation mode, so that
            batch-norm keeps its statistics.
    """

    def __init__(self, method: Method, settings: Settings, frozen: Sequence[nn.Module] = ()) -> None:
        self.method = method
        set_dropout(self.network, settings.dropout)
        self.frozen = tuple(frozen)
        for layer in self.frozen:
            layer.requires_grad_(False)
        for network in method.networks.values():
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # left out of torch's types
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        self.precision = resolve_precision(settings.precision, next(self.network.parameters()).device)
        """Of the network's arithmetic; a resumed run keeps it."""
        self.step = 0
        self.total: int | None = None
        self.sums: dict[str, Tensor | float] = {}
        self.summed = 0
        self.skipped = 0
        """Steps that changed nothing, because they met a number that is not finite."""
        self.in_a_row = 0
        """Of these, how many came last."""
        self.halvings = 0
        """How often the batch was halved for lack of memory."""
        self.history: list[Record] = []

    @property
    def network(self) -> nn.Module:
        """The main network, as it is being trained."""
        return self.method.networks[MAIN]

    @property
    def moment(self) -> Moment:
        """Where the run stands."""
        return Moment(self.step, self.total, self.halvings, self.precision, self.average)

    def train_mode(self) -> None:
        """Put the networks into training mode, all but the frozen layers."""
        for network in self.method.networks.values():
            network.train()
        for layer in self.frozen:
            layer.eval()

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of the state by name, for a checkpoint."""
        named = {
            f"networks.{name}.{k}": v for name, net in self.method.networks.items() for k, v in net.state_dict().items()
        }
        named |= {f"average.{k}": v for k, v in self.average.state_dict().items()}
        names = parameter_names(self.method.networks)
        for name, optimizer in self.method.optimizers.items():
            named |= {f"optimizers.{name}.{k}": v for k, v in optimizer_tensors(optimizer, names).items()}
        return named | {f"method.{k}": v for k, v in self.method.tensors().items()}

    def metadata(self) -> dict[str, object]:
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

    def restore(self, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
        """Go back to a saved state; the next step is the one that would have come next.

        Raises:
            ModelError: the state is of another method or network.
        """
        try:
            for name, network in self.method.networks.items():
                network.load_state_dict(_below(f"networks.{name}.", tensors))
            self.average.load_state_dict(_below("average.", tensors))
            names = parameter_names(self.method.networks)
            for name, optimizer in self.method.optimizers.items():
                restore_optimizer(optimizer, names, _below(f"optimizers.{name}.", tensors))
            self.method.restore(_below("method.", tensors))
        except (RuntimeError, KeyError) as error:
            raise ModelError(f"The checkpoint is of another network or method, or of another Ilk: {error}.") from error
        self.precision = metadata["precision"]
        self.step, self.total, self.summed = metadata["step"], metadata["total"], metadata["summed"]
        self.skipped, self.in_a_row, self.halvings = metadata["skipped"], metadata["in_a_row"], metadata["halvings"]
        self.sums, self.history = dict(metadata["sums"]), list(metadata["history"])

    def update_average(self, decay: float) -> None:
        """Move the averaged weights towards the present ones; early in the run they move faster."""
        decay = min(decay, (self.step + 1) / (self.step + 10))
        averaged, present = self.average.state_dict(), self.network.state_dict()
        for name, value in averaged.items():
            if value.is_floating_point():
                value.lerp_(present[name], 1 - decay)
            else:
                value.copy_(present[name])

    def add(self, terms: Mapping[str, Tensor]) -> None:
        """Count one more step, and its terms towards the next record."""
        self.step += 1
        self.summed += 1
        self.in_a_row = 0
        for name, term in terms.items():
            # Stays on the device, so nothing waits for it.
            self.sums[name] = self.sums.get(name, 0.0) + term.detach().double()

    def skip(self) -> None:
        """Count one more step that changed nothing."""
        self.step += 1
        self.skipped += 1
        self.in_a_row += 1

    def is_finite(self) -> bool:
        """Whether every number of the state is one."""
        return all(bool(tensor.isfinite().all()) for tensor in self.tensors().values())


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
