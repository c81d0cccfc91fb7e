"""Neighbor embedding: labeled images near a reference of their class, unlabeled ones near the references of just one.

total = labeled_weight · distance_ratio + entropy_weight · minimum_entropy + consistency_weight · consistency
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from ilk.data.augmentation import random_affine
from ilk.data.image_source import ImageSource
from ilk.distances import Distance
from ilk.methods.pseudo_labels import PseudoLabels, initial_pseudo_labels
from ilk.neighbors import NeighborClassifier, fit_classifier
from ilk.networks import as_input
from ilk.objectives import adversarial_change, consistency, distance_ratio, log_probabilities, minimum_entropy
from ilk.sampling import Batch, Sampler, step_generator
from ilk.shapes import ClassTargets, Groups, Images, Labels, LogProbabilities, Targets, Vectors
from ilk.training import Settings
from ilk.training.curves import Curve
from ilk.training.dropout import own_draws
from ilk.training.method import MAIN, Method, Moment, Term, Update
from ilk.training.optimizers import build_optimizer
from ilk.training.ranges import Count, CountFrom0, Fraction, NotNegative, Positive, Range, check_settings

TEMPERATURE = 8.0
"""The temperature of a network that names none."""


@dataclass(frozen=True)
class NeighborSettings:
    """What neighbor embedding minimizes, and on which images; the defaults are those of `ilk fit`.

    Raises:
        UsageError: a value out of its range.
    """

    sets: Count = 3
    """K, reference sets per step, each averaged as a C-way loss of its own."""
    queries: Count = 32
    """Labeled queries per step."""
    pool: CountFrom0 = 96
    """Images per step that are taken as unlabeled."""
    pool_of: Literal["all", "unlabeled"] = "all"
    """Which images make the pool: "all", or those that are "unlabeled"."""
    sampled_classes: Annotated[int, Range(2)] = 64
    """Classes compared in one step at most; with more, a step samples classes, which is another objective."""
    exclude_own: bool = True
    """Whether a query that is its own reference is left out of the loss."""

    distance: Distance = "squared"
    """Either "squared" (the paper's text) or "euclidean" (its released code)."""
    temperature: Positive | None = None
    """Divides the distances, and so sets the scale at which the embedding is sure; None for the network's own, which is
    8 for most."""
    labeled_weight: NotNegative = 1.0
    """λ_l of eq. 6."""
    entropy_weight: NotNegative = 0.1
    """λ_u of eq. 6."""
    entropy_start: Fraction = 0.5
    """Fraction of the run before λ_u begins to grow from 0; early, it makes mistakes certain."""
    entropy_ramp: Fraction = 0.3
    """Fraction of the run in which λ_u then grows to its full size."""
    consistency_weight: NotNegative = 1.0
    """Weight of the agreement of an augmented image with its pseudo-label; 0 turns it off."""
    threshold: Fraction = 0.95
    """P from which the class that the averaged network gives an image counts as certain."""
    adversarial: NotNegative = 0.07
    """Root mean square of the change that leads an image of the pool farthest from its class; black is −1, white 1."""

    spread_share: Fraction = 0.9
    """Largest share of images that start with a pseudo-label from label propagation, 0 for none."""
    spread_until: Fraction = 0.2
    """Fraction of the run after which the averaged network gives the pseudo-labels; sooner it has little to teach."""

    def __post_init__(self) -> None:
        check_settings(self)

    def for_network(self, network: object) -> NeighborSettings:
        """The same settings with the temperature of this network, or class of networks, filled in."""
        return replace(self, temperature=self.temperature or getattr(network, "temperature", TEMPERATURE))

    @property
    def temperature_value(self) -> float:
        """The temperature as a number."""
        return self.temperature or TEMPERATURE

    def entropy_weight_at(self, progress: float, compared_share: float = 1.0) -> float:
        """λ_u: 0 up to `entropy_start` of the run, then growing linearly over `entropy_ramp` of it.

        Args:
            progress: share of the run that is done, 0 to 1.
            compared_share: of the classes, those that a step compares, above 0 to 1: an image of a class that is not
                compared lies near none of the references, so the entropy counts only so much.
        """
        past = progress - self.entropy_start
        if past < 0:
            return 0.0
        grown = min(1.0, past / self.entropy_ramp) if self.entropy_ramp > 0 else 1.0
        return self.entropy_weight * compared_share * grown


@dataclass(frozen=True)
class ClassPriors:
    """Prior knowledge of the classes (§5.3); each may be left out.

    Args:
        class_targets: shape (classes, classes), row c in place of the one-hot target of class c.
        groups: shape (classes,), groups of classes within which the entropy is not counted.
    """

    class_targets: ClassTargets | None = None
    groups: Groups | None = None

    def targets_of(self, batch: Batch) -> Tensor:
        """Targets of a batch's queries: class numbers (queries,), or distributions (queries, classes)."""
        if self.class_targets is None:
            return batch.labels
        rows = self.class_targets[batch.classes][:, batch.classes]
        return (rows / rows.sum(1, keepdim=True))[batch.labels]


NO_PRIORS = ClassPriors()


class NeighborMethod(Method):
    """Hoffer & Ailon's method, with what our default adds: pseudo-labels, an averaged teacher, adversarial changes.

    Batch-norm sees references, queries and unlabeled images of a step as one mixture.

    Args:
        network: images to points; trained in place.
        source: of all images, on the device of the network.
        targets: shape (images,), class numbers, −1 for unlabeled, not on the device; every class has a label.
        settings: of the run; a learning rate that is None is the network's.
        options: of the method; a temperature that is None is the network's.
        priors: of the classes.
    Source:
        Hoffer & Ailon 2016, arXiv:1611.01449, eq. 1 to 6. Differs: see docs/method.md, "What our default adds".
    """

    Options = NeighborSettings
    recipes: Mapping[str, NeighborSettings] = {}  # its recipes are functions: the default and the paper's
    curves = (
        Curve("labeled", "Labeled loss", "nats", "0 when every labeled image lies at the reference of its class."),
        Curve(
            "entropy", "Entropy, unlabeled images", "nats", "0 when every unlabeled image lies near one class alone."
        ),
        Curve("consistency", "Consistency", "nats", "0 when a small change of an image leaves its class as it was."),
    )

    def __init__(
        self,
        network: nn.Module,
        source: ImageSource,
        targets: Labels,
        settings: Settings,
        options: NeighborSettings,
        priors: ClassPriors = NO_PRIORS,
    ) -> None:
        self.settings, self.options = settings.for_network(network), options.for_network(network)
        self.network, self.source, self.targets, self.priors = network, source, targets, priors
        self.networks = {MAIN: network}
        self.optimizers = {MAIN: build_optimizer(network.parameters(), self.settings)}
        self.scale = self.scale_of(self.options)
        self.pseudo_labels: PseudoLabels | None = None
        self._samplers: dict[int, Sampler] = {}

    @staticmethod
    def scale_of(options: NeighborSettings) -> tuple[Distance, float]:
        """The distance of eq. 1 and its temperature."""
        return options.distance, options.temperature_value

    def sampler(self, halvings: int) -> Sampler:
        """What draws the batches, after the batch was halved so often."""
        if halvings not in self._samplers:
            options = self.options
            self._samplers[halvings] = Sampler(
                self.targets,
                sets=max(1, options.sets >> halvings),
                queries=max(1, options.queries >> halvings),
                pool=min(options.pool, max(1, options.pool >> halvings)),
                pool_of=options.pool_of,
                sampled_classes=options.sampled_classes,
                exclude_own=options.exclude_own,
                seed=self.settings.seed,
            )
        return self._samplers[halvings]

    def batch_sizes(self, halvings: int) -> dict[str, int]:
        """Queries and pool."""
        sampler = self.sampler(halvings)
        return {"labeled": sampler.queries, "unlabeled": sampler.pool}

    def steps_per_epoch(self, halvings: int) -> int:
        """Steps in one pass over the pool."""
        return self.sampler(halvings).steps_per_epoch

    def draw(self, moment: Moment) -> Batch:
        """References, queries and pool of the next step."""
        return self.sampler(moment.halvings).step(moment.step)

    def embedding(self, network: nn.Module) -> nn.Module:
        """The network itself."""
        return network

    def classifier(self, network: nn.Module, points: Vectors, targets: Targets, classes: int) -> NeighborClassifier:
        """The nearest labeled images vote."""
        distance, temperature = self.scale
        return fit_classifier(points, targets, classes, distance=distance, temperature=temperature)

    def prepare(self, moment: Moment, say: Callable[[str], None]) -> None:
        """Propagate the labels to similar images, where the first part of the run is not over."""
        options = self.options
        used = options.spread_share and options.spread_until and options.consistency_weight and options.pool
        if not used or not self._is_early(moment):
            return
        self.pseudo_labels, sentence = initial_pseudo_labels(
            self.source, self.targets, largest_share=options.spread_share, seed=self.settings.seed
        )
        if sentence and moment.step == 0:
            say(sentence)

    def updates(self, batch: Batch, moment: Moment) -> Iterator[Update]:
        """One update, of the three terms."""
        share = self.sampler(moment.halvings).compared_share
        with own_draws(self.network, self.settings.seed, moment.step):
            terms = self.terms(batch, moment)
        weights = {
            "labeled": self.options.labeled_weight,
            "entropy": self.options.entropy_weight_at(moment.progress, share),
            "consistency": self.options.consistency_weight,
        }
        yield Update({name: Term(value, weights[name]) for name, value in terms.items()})

    def terms(self, batch: Batch, moment: Moment) -> dict[str, Tensor]:
        """The three terms of a step's loss, each a mean in nats, from one joint forward pass.

        The pool's images are changed where they are to be consistent; labeled ones stay as they are. The class that a
        changed image is to have is its pseudo-label in the first part of the run; later the averaged network gives it,
        from the image as it is.
        """
        device = next(self.network.parameters()).device
        early, pseudo = self._is_early(moment), None
        if early and self.pseudo_labels is not None:
            pseudo = [each.to(device) for each in self.pseudo_labels.of(batch)]
        parts = (batch.references.flatten(), batch.queries, batch.pool)
        references, queries, pool = (as_input(self.source.take(positions)) for positions in parts)
        seen, answers = self._changed_pool(references, pool, batch, moment, taught=not early)
        points = self._embedded(self.network, [references, queries, seen], moment)
        targets, valid = self.priors.targets_of(batch).to(device), batch.valid_pairs.to(device)

        terms = {curve.name: points[0].new_zeros(()) for curve in self.curves}
        terms["labeled"] = distance_ratio(self._log_p(points, batch), targets, valid)
        if not self.options.pool:
            return terms
        log_p_pool = self._log_p(points, batch, 2)
        groups = None if self.priors.groups is None else self.priors.groups[batch.classes]
        terms["entropy"] = minimum_entropy(log_p_pool, groups)
        if pseudo is not None:
            # Averaged over the whole pool, so that a few pseudo-labels weigh little.
            terms["consistency"] = distance_ratio(log_p_pool, *pseudo) * pseudo[1].float().mean()
        elif answers is not None:
            terms["consistency"] = consistency(answers, log_p_pool, self.options.threshold)
        return terms

    @property
    def changes_pool(self) -> bool:
        """Whether the pool's images are changed, and are to keep their class."""
        changed = self.settings.augment != "none" or self.options.adversarial > 0
        return self.options.pool > 0 and self.options.consistency_weight > 0 and changed

    def _is_early(self, moment: Moment) -> bool:
        """Whether pseudo-labels still come from the propagated labels, not from the averaged network."""
        until = self.options.spread_until
        return until > 0 and (moment.total is None or moment.step < until * moment.total)

    def _changed_pool(
        self, references: Tensor, pool: Images, batch: Batch, moment: Moment, *, taught: bool
    ) -> tuple[Images, LogProbabilities | None]:
        """The pool as the network sees it, and the averaged network's answers to it as it is."""
        if not self.changes_pool:
            return pool, None
        draw = step_generator(self.settings.seed, moment.step)
        affine = self.settings.augment == "affine"
        seen = random_affine(pool, draw, self.settings.augment_strength) if affine else pool
        if not taught:
            return seen, None
        with torch.no_grad():
            answers = self._log_p(self._embedded(moment.average, [references, pool], moment), batch)
        if self.options.adversarial:

            def log_p_of(moved: Images) -> LogProbabilities:
                return self._log_p(self._embedded(self.network, [references, moved], moment), batch)

            seen = adversarial_change(seen, answers, log_p_of, self.options.adversarial, draw)
        return seen, answers

    def _log_p(self, points: tuple[Tensor, ...], batch: Batch, part: int = 1) -> LogProbabilities:
        sets, classes = batch.references.shape
        references = points[0].view(sets, classes, -1)
        temperature = self.options.temperature_value
        return log_probabilities(points[part], references, distance=self.options.distance, temperature=temperature)

    def _embedded(self, network: nn.Module, parts: list[Tensor], moment: Moment) -> tuple[Tensor, ...]:
        """The points of several groups of images, from one forward pass over all of them."""
        joined = torch.cat(parts).contiguous(memory_format=torch.channels_last)
        with torch.autocast(joined.device.type, torch.bfloat16, enabled=moment.precision == "bfloat16"):
            points = network(joined)
        return points.float().split([len(part) for part in parts])
