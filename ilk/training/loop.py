"""The training loop on one screen, the step that it repeats, and the state that it saves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ilk.data.augmentation import random_affine
from ilk.errors import DivergedError, InterruptedRunError, UsageError
from ilk.networks import as_input
from ilk.objectives import consistency, distance_ratio, log_probabilities, minimum_entropy
from ilk.sampling import Sampler, Step, step_generator
from ilk.shapes import ClassTargets, Groups, Labels
from ilk.training.drawing import own_draws
from ilk.training.schedule import TimePlan, entropy_weight, learning_rate, record_interval
from ilk.training.settings import Settings
from ilk.training.state import TERMS, Record, TrainingState


@dataclass(frozen=True)
class Callbacks:
    """What training needs from the stations below it; each may be left out.

    Args:
        probe: figures of a network at rest, to be recorded beside the losses.
        on_record: called with each new record.
        on_state: called with the state before the first step of all, and after each step.
        on_step: called with (step, total or None) after each step.
        save: called after each step with the state and whether it must be saved now; decides by itself otherwise.
        stop: True when the user wants to stop after this step.
    """

    probe: Callable[[nn.Module], Record] = field(default=lambda network: {})
    on_record: Callable[[Record], None] = field(default=lambda record: None)
    on_state: Callable[[TrainingState], None] = field(default=lambda state: None)
    on_step: Callable[[int, int | None], None] = field(default=lambda step, total: None)
    save: Callable[[TrainingState, bool], None] = field(default=lambda state, must: None)
    stop: Callable[[], bool] = field(default=lambda: False)


def train(
    state: TrainingState,
    images: Tensor,
    targets: Labels,
    settings: Settings,
    *,
    plan: TimePlan | None = None,
    callbacks: Callbacks | None = None,
    class_targets: ClassTargets | None = None,
    groups: Groups | None = None,
) -> None:
    """Train `state.network` on from where the state stands to the end of the run.

    Args:
        state: fresh, or restored from a checkpoint; changed in place.
        images: shape (images, channels, height, width), uint8.
        targets: shape (images,), class numbers, −1 for unlabeled; every class has a label.
        settings: of the run.
        plan: turns `settings.time_limit` into steps; not needed once the state knows its total.
        callbacks: what is recorded, shown and saved.
        class_targets: shape (classes, classes), row c in place of the one-hot target of class c (§5.3).
        groups: shape (classes,), groups of classes within which the entropy asks for nothing (§5.3).
    Raises:
        DivergedError: the loss or a gradient is not a finite number; the weights are those before the step.
        InterruptedRunError: `callbacks.stop` said so; the state has been saved.
        UsageError: neither epochs, nor a plan, nor a known total: the run would never end.
    """
    if settings.epochs is None and plan is None and state.total is None:
        raise UsageError("A run with a time limit needs a TimePlan to know its end.")
    callbacks, settings = callbacks or Callbacks(), settings.for_network(state.network)
    sampler = sampler_of(targets, settings)
    if settings.epochs is not None:
        state.total = max(1, round(settings.epochs * sampler.steps_per_epoch))
    state.begin_training()
    if state.step == 0:
        callbacks.on_state(state)
    while state.total is None or state.step < state.total:
        if plan is not None:
            state.total = plan.total(state.step, state.total)
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate(settings, state.step, state.total, state.history)
        number, network = state.step, state.network
        step, buffers = sampler.step(number), [buffer.clone() for buffer in network.buffers()]
        with own_draws(network, settings.seed, number):
            terms = step_terms(
                network, images, step, settings, number=number, class_targets=class_targets, groups=groups
            )
        unsure = entropy_weight(settings, number, state.total, sampler.compared_share)
        weights = (settings.labeled_weight, unsure, settings.consistency_weight)
        loss = torch.stack([weight * term for weight, term in zip(weights, terms.values(), strict=True)]).sum()

        state.optimizer.zero_grad()
        loss.backward()
        refuse_divergence(state, loss, buffers, callbacks)
        state.optimizer.step()
        state.follow(settings.averaging)
        state.add(terms)

        callbacks.on_state(state)
        callbacks.on_step(state.step, state.total)
        record_when_due(state, sampler, callbacks)
        stopped = callbacks.stop() and state.step != state.total
        callbacks.save(state, stopped or state.step == state.total)
        if stopped:
            raise InterruptedRunError(f"Stopped after step {state.step}; the state is saved.")


def sampler_of(targets: Labels, settings: Settings) -> Sampler:
    """The sampler that the settings describe."""
    return Sampler(
        targets,
        sets=settings.sets,
        queries=settings.queries,
        pool=settings.pool,
        pool_of=settings.pool_of,
        compared=settings.compared,
        exclude_own=settings.exclude_own,
        seed=settings.seed,
    )


def step_terms(
    network: nn.Module,
    images: Tensor,
    step: Step,
    settings: Settings,
    *,
    number: int,
    class_targets: ClassTargets | None = None,
    groups: Groups | None = None,
) -> dict[str, Tensor]:
    """The three terms of one step's loss, each a mean in nats, from one joint forward pass.

    Batch-norm sees references, queries and unlabeled images as one mixture. Queries and the changed copies of the
    pool's images are augmented; references and the pool itself stay as they are.
    """
    draw = step_generator(settings.seed, number)
    device = images.device
    sets, classes = step.references.shape

    references = as_input(images[step.references.flatten().to(device)])
    queries = as_input(images[step.queries.to(device)])
    pool = as_input(images[step.pool.to(device)])
    parts = [references, queries, pool]
    if settings.augment == "affine":
        parts[1] = random_affine(queries, draw, settings.augment_strength)
    if settings.uses_consistency:
        parts.append(random_affine(pool, draw, settings.augment_strength))
    points = network(torch.cat(parts).contiguous(memory_format=torch.channels_last))
    split = points.split([len(part) for part in parts])

    def log_p(group: Tensor) -> Tensor:
        reference_points = split[0].view(sets, classes, -1)
        return log_probabilities(group, reference_points, distance=settings.distance, temperature=settings.divisor)

    labels = step.labels.to(device)
    if class_targets is not None:
        rows = class_targets[step.classes][:, step.classes]
        labels = (rows / rows.sum(1, keepdim=True)).to(device)[labels]
    terms = dict.fromkeys(TERMS, points.new_zeros(()))
    terms["labeled"] = distance_ratio(log_p(split[1]), labels, step.counted.to(device))
    if settings.pool:
        log_p_pool = log_p(split[2])
        terms["entropy"] = minimum_entropy(log_p_pool, None if groups is None else groups[step.classes])
        if settings.uses_consistency:
            terms["consistency"] = consistency(log_p_pool, log_p(split[3]), settings.threshold)
    return terms


def refuse_divergence(state: TrainingState, loss: Tensor, buffers: list[Tensor], callbacks: Callbacks) -> None:
    """Stop before a step that would spoil the weights, and save the state as it was before that step.

    Args:
        state: after the backward pass, before the optimizer's step.
        loss: of the step.
        buffers: batch-norm's figures before the forward pass, which has moved them.
        callbacks: to save by; a state that is already spoiled is not saved.
    Raises:
        DivergedError: the loss or a gradient is not a finite number.
    """
    gradients = [p.grad for p in state.network.parameters() if p.grad is not None]
    if loss.isfinite() and nn.utils.get_total_norm(gradients).isfinite():
        return
    for buffer, before in zip(state.network.buffers(), buffers, strict=True):
        buffer.copy_(before)
    if all(tensor.isfinite().all() for tensor in state.tensors().values()):
        callbacks.save(state, True)
    what = "a gradient" if loss.isfinite() else "the loss"
    raise DivergedError(
        f"At step {state.step + 1}, {what} is not a finite number. The last good state is kept. "
        "Look for images that are damaged, or train again with a smaller learning rate."
    )


def record_when_due(state: TrainingState, sampler: Sampler, callbacks: Callbacks) -> None:
    """Average the terms since the last record, probe the averaged network, and hand the record on."""
    if state.total is None:
        return
    due = state.step % record_interval(state.total, sampler.steps_per_epoch) == 0
    if not due and state.step != state.total:
        return
    record = {"epoch": state.step / sampler.steps_per_epoch, "step": float(state.step)}
    record |= {name: value / state.summed for name, value in state.sums.items()}
    record |= callbacks.probe(state.average)
    state.sums, state.summed = dict.fromkeys(TERMS, 0.0), 0
    state.history.append(record)
    callbacks.on_record(record)
