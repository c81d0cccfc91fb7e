"""The training loop: it repeats a method's step, follows the schedule, and reports what happens."""

from __future__ import annotations

from contextlib import suppress

import torch

from ilk.errors import InterruptedRunError, ResourceError, UsageError
from ilk.training.callbacks import Callbacks
from ilk.training.faults import MEMORY, MOST_HALVINGS, divergence, skip
from ilk.training.schedule import TimePlan, learning_rate, record_interval
from ilk.training.settings import Settings
from ilk.training.state import TrainingState
from ilk.training.step import take_step


def train(
    state: TrainingState, settings: Settings, *, plan: TimePlan | None = None, callbacks: Callbacks | None = None
) -> None:
    """Train the networks of `state.method` from where the state stands to the end of the run.

    Args:
        state: fresh, or restored from a checkpoint; changed in place.
        settings: of the run.
        plan: turns `settings.time_limit` into steps; not needed once the state knows its total.
        callbacks: what is recorded, shown and saved.
    Raises:
        DivergedError: five steps in a row, or all of a short run, were skipped, because the loss or a gradient was not
            a finite number; the weights are those before them. Or a weight is not finite.
        ResourceError: there is not enough memory for a step, not even after the batch was halved three times.
        InterruptedRunError: `callbacks.stop` said so; the state has been saved.
        UsageError: neither epochs, nor a plan, nor a known total: the run would never end.
    """
    if settings.epochs is None and plan is None and state.total is None:
        raise UsageError("A run with a time limit needs a TimePlan to know its end.")
    callbacks = callbacks or Callbacks()
    if settings.epochs is not None:
        state.total = steps_of(settings.epochs, state)
    state.train_mode()
    state.method.prepare(state.moment, callbacks.say)
    if state.step == 0:
        callbacks.on_state(state)
    while state.total is None or state.step < state.total:
        callbacks.before_step(state.step)
        if plan is not None:
            state.total = plan.total(state.step, state.total)
        set_rates(state, settings)
        state.method.refresh(state.moment)
        batch = state.method.draw(state.moment)
        terms, fault = take_step(state, batch, state.moment)
        if fault == MEMORY:
            halve(state, settings, plan, callbacks)
            continue
        if fault:
            skip(state, batch, fault, callbacks)
        else:
            state.update_average(settings.averaging)
            state.add(terms)
        callbacks.after_step()

        callbacks.on_state(state)
        callbacks.on_step(state.step, state.total)
        record_when_due(state, callbacks)
        stopped = callbacks.stop() and state.step != state.total
        must_save = stopped or state.step == state.total
        if must_save and not state.is_finite():
            raise divergence(state.step, "a weight")
        callbacks.save(state, must_save)
        if stopped:
            raise InterruptedRunError(f"Stopped after step {state.step}; the state is saved.")


def set_rates(state: TrainingState, settings: Settings) -> None:
    """Give every group of parameters its learning rate for the next step."""
    first = state.method.curves[0].name
    losses = [record[first] for record in state.history]
    for optimizer in state.method.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(settings, group["initial_lr"], state.step, state.total, losses)


def steps_of(epochs: float, state: TrainingState) -> int:
    """Steps in so many passes over the images, with the batch as it is now."""
    return max(1, round(epochs * state.method.steps_per_epoch(state.halvings)))


def halve(state: TrainingState, settings: Settings, plan: TimePlan | None, callbacks: Callbacks) -> None:
    """Halve the batch; the state goes to the same place in the run, counted in the new steps.

    Raises:
        ResourceError: the batch has been halved as often as allowed; the state has been saved.
    """
    if state.halvings == MOST_HALVINGS:
        with suppress(MemoryError):
            callbacks.save(state, True)
        sizes = state.method.batch_sizes(state.halvings).items()
        raise ResourceError(
            f"Out of memory at step {state.step + 1}, with {' and '.join(f'{n} {kind}' for kind, n in sizes)} "
            f"images in a step, after the batch was halved {MOST_HALVINGS} times. Close other programs, or train "
            "again with smaller images or a smaller network."
        )
    before = state.method.steps_per_epoch(state.halvings)
    state.halvings += 1
    longer = state.method.steps_per_epoch(state.halvings) / before
    state.step = round(state.step * longer)
    if settings.epochs is not None:
        state.total = steps_of(settings.epochs, state)
    elif plan is not None:
        state.total = None
        plan.restart()
    elif state.total is not None:
        state.total = round(state.total * longer)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    callbacks.on_halved(state)


def record_when_due(state: TrainingState, callbacks: Callbacks) -> None:
    """Average the terms since the last record, probe the averaged network, and hand the record on."""
    if state.total is None:
        return
    per_epoch = state.method.steps_per_epoch(state.halvings)
    due = state.step % record_interval(state.total, per_epoch) == 0
    if not state.summed or (not due and state.step != state.total):
        return
    record = {"epoch": state.step / per_epoch, "step": float(state.step)}
    record |= {name: float(value) / state.summed for name, value in state.sums.items()}
    record |= callbacks.probe(state.average)
    state.sums, state.summed = {}, 0
    state.history.append(record)
    callbacks.on_record(record)
