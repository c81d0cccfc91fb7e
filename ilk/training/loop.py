"""The training loop on one screen, the step that it repeats, and the state that it saves."""

from __future__ import annotations

from contextlib import suppress

import torch
from torch import Tensor, nn

from ilk.data.augmentation import random_affine
from ilk.errors import InterruptedRunError, ResourceError, UsageError
from ilk.networks import as_input
from ilk.objectives import consistency, distance_ratio, log_probabilities, minimum_entropy
from ilk.sampling import Sampler, Step, step_generator
from ilk.shapes import ClassTargets, Groups, Labels
from ilk.training.callbacks import Callbacks
from ilk.training.drawing import own_draws
from ilk.training.faults import MEMORY, MOST_HALVINGS, divergence, is_out_of_memory, not_finite, skip
from ilk.training.schedule import TimePlan, entropy_weight, learning_rate, record_interval
from ilk.training.settings import Settings
from ilk.training.state import TERMS, TrainingState


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
        DivergedError: five steps in a row were skipped, because the loss or a gradient was not a finite number; the
            weights are those before them.
        ResourceError: there is not enough memory for a step, not even after the batch was halved three times.
        InterruptedRunError: `callbacks.stop` said so; the state has been saved.
        UsageError: neither epochs, nor a plan, nor a known total: the run would never end.
    """
    if settings.epochs is None and plan is None and state.total is None:
        raise UsageError("A run with a time limit needs a TimePlan to know its end.")
    callbacks, settings = callbacks or Callbacks(), settings.for_network(state.network)
    sampler = sampler_of(targets, settings, state.halvings)
    if settings.epochs is not None:
        state.total = length(settings.epochs, sampler)
    state.begin_training()
    if state.step == 0:
        callbacks.on_state(state)
    while state.total is None or state.step < state.total:
        if plan is not None:
            state.total = plan.total(state.step, state.total)
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate(settings, state.step, state.total, state.history)
        step, share = sampler.step(state.step), sampler.compared_share
        terms, fault = attempt(state, images, step, settings, share, class_targets=class_targets, groups=groups)
        if fault == MEMORY:
            sampler = halve(state, sampler, targets, settings, plan, callbacks)
            continue
        if fault:
            skip(state, step, fault, callbacks)
        else:
            state.optimizer.step()
            state.follow(settings.averaging)
            state.add(terms)

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


def attempt(
    state: TrainingState,
    images: Tensor,
    step: Step,
    settings: Settings,
    share: float,
    *,
    class_targets: ClassTargets | None = None,
    groups: Groups | None = None,
) -> tuple[dict[str, Tensor], str]:
    """Loss and gradients of the state's next step.

    Args:
        state: keeps its weights; after a fault, batch-norm's figures too are those before the step.
        images: shape (images, channels, height, width), uint8.
        step: the images to look at.
        settings: of the run.
        share: of the classes that the step compares, above 0 to 1.
        class_targets: as for `train()`.
        groups: as for `train()`.
    Returns:
        the terms; and the fault: "", MEMORY, or what is not a finite number.
    """
    network, number = state.network, state.step
    buffers = [buffer.clone() for buffer in network.buffers()]
    try:
        with own_draws(network, settings.seed, number):
            terms = step_terms(
                network, images, step, settings, number=number, class_targets=class_targets, groups=groups
            )
        unsure = entropy_weight(settings, number, state.total, share)
        weights = (settings.labeled_weight, unsure, settings.consistency_weight)
        loss = torch.stack([weight * term for weight, term in zip(weights, terms.values(), strict=True)]).sum()
        state.optimizer.zero_grad()
        loss.backward()
        fault = not_finite(network, loss)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        terms, fault = {}, MEMORY
    if fault:
        state.optimizer.zero_grad()
        for buffer, before in zip(network.buffers(), buffers, strict=True):
            buffer.copy_(before)
    return terms, fault


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
    record |= {name: value / state.summed for name, value in state.sums.items()}
    record |= callbacks.probe(state.average)
    state.sums, state.summed = dict.fromkeys(TERMS, 0.0), 0
    state.history.append(record)
    callbacks.on_record(record)
