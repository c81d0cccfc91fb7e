"""Keep the weights of chosen epochs while a run trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import torch

from ilk.data import Dataset
from ilk.storage.run import Run
from ilk.storage.snapshots import evolution_path, save_evolution
from ilk.training import Settings, TrainingState
from ilk.training.loop import sampler_of


def keeper(run: Run, epochs: Sequence[float], dataset: Dataset, settings: Settings) -> Callable[[TrainingState], None]:
    """What keeps the answering (averaged) weights when a state has come to one of these epochs, to the nearest step."""
    if not epochs:
        return lambda state: None
    targets = torch.from_numpy(dataset.targets)

    @cache
    def steps(halvings: int) -> dict[float, int]:
        per_epoch = sampler_of(targets, settings, halvings).steps_per_epoch
        return {epoch: round(epoch * per_epoch) for epoch in epochs}

    def keep(state: TrainingState) -> None:
        for epoch, step in steps(state.halvings).items():
            if step == state.step:
                save_evolution(run, epoch, step, state.average.state_dict())

    return keep


def missing_epochs(run: Run, epochs: Sequence[float]) -> list[float]:
    """The epochs of which there are no weights."""
    return [epoch for epoch in epochs if not evolution_path(run, epoch).is_file()]
