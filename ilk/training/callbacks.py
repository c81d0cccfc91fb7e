"""What training reports to its caller, and what it asks of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import nn

from ilk.training.method import Batch
from ilk.training.state import Record, TrainingState


@dataclass(frozen=True)
class Callbacks:
    """What training reports to its caller, and what it asks of it; each may be left out.

    Args:
        probe: figures of the averaged network in evaluation mode, to be recorded beside the losses.
        say: called with a sentence on what the method found before the first step.
        on_record: called with each new record.
        on_state: called with the state before the first step of all, and after each step.
        on_step: called with (step, total or None) after each step.
        on_skip: called with the state, the batch and what was not a finite number, when a step is skipped.
        before_step: called with the step's number as it begins.
        after_step: called when the step is made, before anything else.
        on_halved: called with the state when the batch has been halved for lack of memory.
        save: called after each step with the state and whether it must be saved now; decides by itself otherwise.
        stop: True when the user wants to stop after this step.
    """

    probe: Callable[[nn.Module], Record] = field(default=lambda network: {})
    say: Callable[[str], None] = field(default=lambda sentence: None)
    on_record: Callable[[Record], None] = field(default=lambda record: None)
    on_state: Callable[[TrainingState], None] = field(default=lambda state: None)
    on_step: Callable[[int, int | None], None] = field(default=lambda step, total: None)
    on_skip: Callable[[TrainingState, Batch, str], None] = field(default=lambda state, batch, what: None)
    before_step: Callable[[int], None] = field(default=lambda step: None)
    after_step: Callable[[], None] = field(default=lambda: None)
    on_halved: Callable[[TrainingState], None] = field(default=lambda state: None)
    save: Callable[[TrainingState, bool], None] = field(default=lambda state, must: None)
    stop: Callable[[], bool] = field(default=lambda: False)
