"""What can go wrong in one step: a number that is not finite, or no memory."""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from ilk.errors import DivergedError
from ilk.training.callbacks import Callbacks
from ilk.training.method import Batch
from ilk.training.state import TrainingState

MOST_SKIPPED = 5
"""So many skipped steps in a row end the run."""
MOST_HALVINGS = 3
"""So often the batch is halved at most."""
MEMORY = "memory"
"""The fault of a step for which there was not enough memory."""


def not_finite(parameters: Iterable[nn.Parameter], loss: Tensor) -> str:
    """What is not a finite number after the backward pass: the loss, a gradient, or nothing ("")."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    # Both at once, because reading a number is where the host waits for a GPU.
    loss_is, gradients_are = torch.stack([loss, nn.utils.get_total_norm(gradients)]).isfinite().tolist()
    return "the loss" if not loss_is else "" if gradients_are else "a gradient"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory, on whichever device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    said = re.search(r"out of memory|can't allocate memory|not enough memory|ALLOC_FAILED", str(error))
    return isinstance(error, RuntimeError) and said is not None


def skip(state: TrainingState, batch: Batch, what: str, callbacks: Callbacks) -> None:
    """Count a step that met a number that is not finite; weights, momentum and batch-norm's statistics are unchanged.

    Raises:
        DivergedError: it is the fifth in a row, or the last of a run in which none was taken; in the first case the
            state has been saved, and a resumed run may skip five more.
    """
    state.skip()
    callbacks.on_skip(state, batch, what)
    none_taken = state.step == state.total and not state.history and not state.summed
    if state.in_a_row < MOST_SKIPPED and not none_taken:
        return
    error = divergence(state.step, what, state.in_a_row)
    state.in_a_row = 0
    if state.is_finite() and not none_taken:
        callbacks.save(state, True)
    raise error


def divergence(number: int, what: str, in_a_row: int = 1) -> DivergedError:
    """The error for a step, counted from 1, that met what is not a finite number."""
    row = f", for the {in_a_row}th step in a row" if in_a_row > 3 else ""
    return DivergedError(
        f"At step {number}, {what} is not a finite number{row}. "
        "Look for images that are damaged, or train again with a smaller learning rate (`learning_rate`)."
    )
