"""One step of training: what it shows the network, the terms of its loss, and the gradients of their weighted sum."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor, nn

from ilk.data.augmentation import random_affine
from ilk.networks import as_input
from ilk.objectives import adversarial_change, consistency, distance_ratio, log_probabilities, minimum_entropy
from ilk.sampling import Batch, step_generator
from ilk.shapes import ClassTargets, Groups, Images, Labels, LogProbabilities, Mask
from ilk.training.dropout import own_draws
from ilk.training.faults import MEMORY, is_out_of_memory, not_finite
from ilk.training.schedule import entropy_weight
from ilk.training.settings import Settings
from ilk.training.state import TERMS, TrainingState


@dataclass(frozen=True)
class PseudoLabels:
    """Classes that are believed of images before the network knows any.

    Args:
        classes: shape (images,), a class number for every image.
        certain: shape (images,), False for images of which nothing is believed.
    """

    classes: Labels
    certain: Bool[Tensor, "batch"]

    def of(self, step: Batch) -> tuple[Labels, Mask]:
        """For the pool of a step: positions among its compared classes, (pool,); which of them count, (pool, sets)."""
        classes, certain = self.classes[step.pool], self.certain[step.pool]
        places = torch.searchsorted(step.classes, classes).clamp_max(len(step.classes) - 1)
        certain = certain & (step.classes[places] == classes)
        return places, certain[:, None].expand(-1, len(step.references))


@dataclass(frozen=True)
class ClassPriors:
    """What is known beside the labels; each may be left out.

    Args:
        class_targets: shape (classes, classes), row c in place of the one-hot target of class c (§5.3).
        groups: shape (classes,), groups of classes within which the entropy asks for nothing (§5.3).
        beliefs: classes of images for the first steps.
    """

    class_targets: ClassTargets | None = None
    groups: Groups | None = None
    beliefs: PseudoLabels | None = None

    def targets_of(self, step: Batch) -> Tensor:
        """What the queries of a step are to be: class numbers (queries,), or distributions (queries, classes)."""
        if self.class_targets is None:
            return step.labels
        rows = self.class_targets[step.classes][:, step.classes]
        return (rows / rows.sum(1, keepdim=True))[step.labels]


NOTHING = ClassPriors()


def attempt(
    state: TrainingState,
    images: Tensor,
    step: Batch,
    settings: Settings,
    share: float,
    known: ClassPriors = NOTHING,
    *,
    taught: bool = True,
) -> tuple[dict[str, Tensor], str]:
    """Loss and gradients of the state's next step.

    Args:
        state: keeps its weights; after a fault, batch-norm's figures too are those before the step.
        images: shape (images, channels, height, width), uint8.
        step: the images to look at.
        settings: of the run.
        share: of the classes that the step compares, above 0 to 1.
        known: what is known beside the labels.
        taught: whether the averaged network teaches.
    Returns:
        the terms; and the fault: "", MEMORY, or what is not a finite number.
    """
    network, number, teacher = state.network, state.step, state.average if taught else None
    buffers = [buffer.clone() for buffer in network.buffers()]
    try:
        with own_draws(network, settings.seed, number):
            terms = step_terms(network, images, step, settings, number=number, known=known, teacher=teacher)
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
    step: Batch,
    settings: Settings,
    *,
    number: int,
    known: ClassPriors = NOTHING,
    teacher: nn.Module | None = None,
) -> dict[str, Tensor]:
    """The three terms of one step's loss, each a mean in nats, from one joint forward pass.

    Batch-norm sees references, queries and unlabeled images as one mixture. The pool's images are changed where they
    are to be consistent; labeled ones stay as they are. The class that a changed image is to have comes from
    `known.beliefs`, or else from the teacher, who sees the image as it is.
    """
    draw, device = step_generator(settings.seed, number), images.device
    sets, classes = step.references.shape
    targets, counted = known.targets_of(step).to(device), step.counted.to(device)
    believed = None if known.beliefs is None else [each.to(device) for each in known.beliefs.of(step)]
    references = as_input(images[step.references.flatten().to(device)])
    queries = as_input(images[step.queries.to(device)])
    pool = as_input(images[step.pool.to(device)])
    seen = changed(pool, draw, settings) if settings.uses_consistency else pool

    def log_p(points: tuple[Tensor, ...], part: int = 1) -> LogProbabilities:
        sets_of = points[0].view(sets, classes, -1)
        return log_probabilities(points[part], sets_of, distance=settings.distance, temperature=settings.divisor)

    answers = None
    if settings.uses_consistency and teacher is not None and believed is None:
        with torch.no_grad():
            answers = log_p(embedded(teacher, [references, pool], settings))
        if settings.adversarial:
            seen = adversarial_change(
                seen,
                answers,
                lambda moved: log_p(embedded(network, [references, moved], settings)),
                settings.adversarial,
                draw,
            )
    points = embedded(network, [references, queries, seen], settings)

    terms = dict.fromkeys(TERMS, points[0].new_zeros(()))
    terms["labeled"] = distance_ratio(log_p(points), targets, counted)
    if not settings.pool:
        return terms
    log_p_pool = log_p(points, 2)
    terms["entropy"] = minimum_entropy(log_p_pool, None if known.groups is None else known.groups[step.classes])
    if believed is not None:
        # Averaged over the whole pool, so that a few believed images weigh little.
        terms["consistency"] = distance_ratio(log_p_pool, *believed) * believed[1].float().mean()
    elif answers is not None:
        terms["consistency"] = consistency(answers, log_p_pool, settings.threshold)
    return terms


def changed(images: Images, draw: torch.Generator, settings: Settings) -> Images:
    """The images after small changes of their shape, if these are asked for."""
    return random_affine(images, draw, settings.augment_strength) if settings.augment == "affine" else images


def embedded(network: nn.Module, parts: list[Tensor], settings: Settings) -> tuple[Tensor, ...]:
    """The points of several groups of images, from one forward pass over all of them."""
    joined = torch.cat(parts).contiguous(memory_format=torch.channels_last)
    with torch.autocast(joined.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
        points = network(joined)
    return points.float().split([len(part) for part in parts])
