"""Keep the weights of chosen epochs while a run trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ilk.storage.run import Run
from ilk.storage.snapshots import evolution_path, save_evolution
from ilk.training import TrainingState


def keeper(run: Run, epochs: Sequence[float]) -> Callable[[TrainingState], None]:
    """A callback that keeps the averaged weights when a state has come to one of these epochs, to the nearest step."""

    def keep(state: TrainingState) -> None:
        for epoch in epochs:
            step = round(epoch * state.method.steps_per_epoch(state.halvings))
            if step == state.step:
                save_evolution(run, epoch, step, state.method.embedding(state.average).state_dict())

    return keep


def missing_epochs(run: Run, epochs: Sequence[float]) -> list[float]:
    """The epochs of which there are no weights."""
    return [epoch for epoch in epochs if not evolution_path(run, epoch).is_file()]
