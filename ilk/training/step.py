"""One step of training: each of the method's updates in turn, undone where it meets a fault."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ilk.training.faults import MEMORY, is_out_of_memory, not_finite
from ilk.training.method import Moment, Update
from ilk.training.state import TrainingState


def take_step(state: TrainingState, batch: Any, moment: Moment) -> tuple[dict[str, Tensor], str]:
    """One training step: gradient and optimizer step for each update of the method.

    Args:
        state: after a fault, weights and batch-norm's statistics are those before the update that met it; the rest of
            the step is left out.
        batch: what the method drew.
        moment: where the run stands.
    Returns:
        the terms of all updates; and the fault: "", MEMORY, or what is not a finite number.
    """
    terms: dict[str, Tensor] = {}
    updates = state.method.updates(batch, moment)
    while True:
        before = [buffer.clone() for buffer in _buffers(state)]
        try:
            update = next(updates, None)
            if update is None:
                return terms, ""
            fault = _backward(state, update)
            if not fault:
                state.method.optimizers[update.optimizer].step()
                terms |= {name: term.value for name, term in update.terms.items()}
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            fault = MEMORY
        if fault:
            _zero_gradients(state)
            for buffer, earlier in zip(_buffers(state), before, strict=True):
                buffer.copy_(earlier)
            return {}, fault


def _backward(state: TrainingState, update: Update) -> str:
    """Gradients of the weighted sum; gives what is not a finite number, or nothing ("")."""
    loss = torch.stack([term.weight * term.value for term in update.terms.values()]).sum()
    _zero_gradients(state)
    loss.backward()
    groups = state.method.optimizers[update.optimizer].param_groups
    return not_finite([parameter for group in groups for parameter in group["params"]], loss)


def _zero_gradients(state: TrainingState) -> None:
    for optimizer in state.method.optimizers.values():
        optimizer.zero_grad()


def _buffers(state: TrainingState) -> list[Tensor]:
    return [buffer for network in state.method.networks.values() for buffer in network.buffers()]
