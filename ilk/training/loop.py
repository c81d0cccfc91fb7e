"""The training loop on one screen: it repeats a step, follows the schedule, and hands on what happens."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace

import torch
from torch import Tensor

from ilk.errors import InterruptedRunError, ResourceError, UsageError
from ilk.sampling import Sampler
from ilk.shapes import Labels
from ilk.training.callbacks import Callbacks
from ilk.training.faults import MEMORY, MOST_HALVINGS, divergence, skip
from ilk.training.schedule import TimePlan, learning_rate, record_interval
from ilk.training.settings import Settings
from ilk.training.state import TERMS, TrainingState
from ilk.training.step import NOTHING, ClassPriors, attempt


def train(
    state: TrainingState,
    images: Tensor,
    targets: Labels,
    settings: Settings,
    known: ClassPriors = NOTHING,
    *,
    plan: TimePlan | None = None,
    callbacks: Callbacks | None = None,
) -> None:
    """Train `state.network` on from where the state stands to the end of the run.

    Args:
        state: fresh, or restored from a checkpoint; changed in place.
        images: shape (images, channels, height, width), uint8.
        targets: shape (images,), class numbers, −1 for unlabeled; every class has a label.
        settings: of the run.
        known: what is known beside the labels; its beliefs count up to `settings.spread_until` of the run.
        plan: turns `settings.time_limit` into steps; not needed once the state knows its total.
        callbacks: what is recorded, shown and saved.
    Raises:
        DivergedError: five steps in a row were skipped, because the loss or a gradient was not a finite number; the
            weights are those before them.
        ResourceError: there is not enough memory for a step, not even after the batch was halved three times.
        InterruptedRunError: `callbacks.stop` said so; the state has been saved.
        UsageError: neither epochs, nor a plan, nor a known total: the run would never end.
    """
    if settings.epochs is None and plan is None and state.total is None:
        raise UsageError("A run with a time limit needs a TimePlan to know its end.")
    callbacks = callbacks or Callbacks()
    settings = replace(settings.for_network(state.network), precision=state.precision)
    without_beliefs = replace(known, beliefs=None)
    sampler = sampler_of(targets, settings, state.halvings)
    if settings.epochs is not None:
        state.total = length(settings.epochs, sampler)
    state.begin_training()
    if state.step == 0:
        callbacks.on_state(state)
    while state.total is None or state.step < state.total:
        callbacks.before_step(state.step)
        if plan is not None:
            state.total = plan.total(state.step, state.total)
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate(settings, state.step, state.total, state.history)
        step, share = sampler.step(state.step), sampler.compared_share
        early = state.step < settings.spread_until * (state.total or math.inf)
        now = known if early else without_beliefs
        terms, fault = attempt(state, images, step, settings, share, now, taught=not early)
        if fault == MEMORY:
            sampler = halve(state, sampler, targets, settings, plan, callbacks)
            continue
        if fault:
            skip(state, step, fault, callbacks)
        else:
            state.optimizer.step()
            state.follow(settings.averaging)
            state.add(terms)
        callbacks.after_step()

        callbacks.on_state(state)
        callbacks.on_step(state.step, state.total)
        record_when_due(state, sampler, callbacks)
        stopped = callbacks.stop() and state.step != state.total
        must = stopped or state.step == state.total
        if must and not state.is_finite():
            raise divergence(state.step, "a weight")
        callbacks.save(state, must)
        if stopped:
            raise InterruptedRunError(f"Stopped after step {state.step}; the state is saved.")


def sampler_of(targets: Labels, settings: Settings, halvings: int = 0) -> Sampler:
    """The sampler that the settings describe, its batch halved so often."""
    return Sampler(
        targets,
        sets=max(1, settings.sets >> halvings),
        queries=max(1, settings.queries >> halvings),
        pool=min(settings.pool, max(1, settings.pool >> halvings)),
        pool_of=settings.pool_of,
        compared=settings.compared,
        exclude_own=settings.exclude_own,
        seed=settings.seed,
    )


def length(epochs: float, sampler: Sampler) -> int:
    """Steps in so many passes over the pool."""
    return max(1, round(epochs * sampler.steps_per_epoch))


def halve(
    state: TrainingState,
    sampler: Sampler,
    targets: Labels,
    settings: Settings,
    plan: TimePlan | None,
    callbacks: Callbacks,
) -> Sampler:
    """The sampler of half the batch; the state goes to the same place in the run, counted in the new steps.

    Raises:
        ResourceError: the batch has been halved as often as allowed; the state has been saved.
    """
    if state.halvings == MOST_HALVINGS:
        with suppress(MemoryError):
            callbacks.save(state, True)
        raise ResourceError(
            f"Out of memory at step {state.step + 1}, with {sampler.queries} labeled and {sampler.pool} unlabeled "
            f"images in a step, after the batch was halved {MOST_HALVINGS} times. Close other programs, or train "
            "again with smaller images or a smaller network."
        )
    state.halvings += 1
    half = sampler_of(targets, settings, state.halvings)
    longer = half.steps_per_epoch / sampler.steps_per_epoch
    state.step = round(state.step * longer)
    if settings.epochs is not None:
        state.total = length(settings.epochs, half)
    elif plan is not None:
        state.total = None
        plan.restart()
    elif state.total is not None:
        state.total = round(state.total * longer)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    callbacks.on_halved(state)
    return half


def record_when_due(state: TrainingState, sampler: Sampler, callbacks: Callbacks) -> None:
    """Average the terms since the last record, probe the averaged network, and hand the record on."""
    if state.total is None:
        return
    due = state.step % record_interval(state.total, sampler.steps_per_epoch) == 0
    if not state.summed or (not due and state.step != state.total):
        return
    record = {"epoch": state.step / sampler.steps_per_epoch, "step": float(state.step)}
    record |= {name: float(value) / state.summed for name, value in state.sums.items()}
    record |= callbacks.probe(state.average)
    state.sums, state.summed = dict.fromkeys(TERMS, 0.0), 0
    state.history.append(record)
    callbacks.on_record(record)
