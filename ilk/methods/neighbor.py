"""Neighbor embedding: labeled images near a reference of their class, unlabeled ones near the references of just one.

total = labeled_weight · distance_ratio + entropy_weight · minimum_entropy + consistency_weight · consistency
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from ilk.data.augmentation import random_affine
from ilk.data.image_source import ImageSource
from ilk.methods.class_priors import NO_PRIORS, ClassPriors
from ilk.methods.neighbor_settings import NeighborSettings
from ilk.methods.pseudo_labels import PseudoLabels, initial_pseudo_labels
from ilk.neighbors import NeighborClassifier, fit_classifier
from ilk.networks import as_input
from ilk.networks.frozen_features import FrozenFeatures
from ilk.objectives import adversarial_change, consistency, distance_ratio, log_probabilities, minimum_entropy
from ilk.sampling import Batch, Sampler, step_generator
from ilk.shapes import Images, Labels, LogProbabilities, Targets, Vectors
from ilk.training import Settings
from ilk.training.curves import Curve
from ilk.training.dropout import own_draws
from ilk.training.method import MAIN, Method, Moment, Term, Update
from ilk.training.optimizers import build_optimizer


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
        frozen: what the frozen layers give, so that they are not run again for images as they are.
    Source:
        Hoffer & Ailon 2016, arXiv:1611.01449, eq. 1 to 6. Differs: docs/explanation/method.md, "What our default adds".
    """

    Options = NeighborSettings
    recipes: ClassVar[Mapping[str, NeighborSettings]] = {}  # its recipes are functions: the default and the paper's
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
        frozen: FrozenFeatures | None = None,
    ) -> None:
        self.settings, self.options = settings.for_network(network), options.for_network(network)
        self.network, self.source, self.targets, self.priors = network, source, targets, priors
        self.frozen = frozen
        self.networks = {MAIN: network}
        self.optimizers = {MAIN: build_optimizer(network.parameters(), self.settings)}
        self.scale = (self.options.distance, self.options.temperature_value)
        self.pseudo_labels: PseudoLabels | None = None
        self._samplers: dict[int, Sampler] = {}

    def sampler(self, halvings: int) -> Sampler:
        """What draws the batches, after the batch was halved so often."""
        if halvings not in self._samplers:
            options = self.options
            self._samplers[halvings] = Sampler(
                self.targets,
                sets=max(1, options.sets >> halvings),
                queries=max(1, options.queries >> halvings),
                pool=min(options.pool, max(1, options.pool >> halvings)),  # a pool of 0 stays 0
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
        """Propagate the labels to similar images, where the first part of the run is not over; run frozen layers."""
        if self.frozen is not None:
            self.frozen.compute(moment.precision)
        options = self.options
        used = options.spread_share and options.spread_until and options.consistency_weight and options.pool
        if not used or not self._is_early(moment):
            return
        self.pseudo_labels, sentence = initial_pseudo_labels(
            self.source, self.targets, largest_share=options.spread_share, seed=self.settings.seed
        )
        if sentence and moment.step == 0:
            say(f"Spread  {sentence}")

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
        references, queries = (self._input(each, moment) for each in (batch.references.flatten(), batch.queries))
        seen, answers = self._changed_pool(references, batch, moment, taught=not early)
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
        self, references: Tensor, batch: Batch, moment: Moment, *, taught: bool
    ) -> tuple[Tensor, LogProbabilities | None]:
        """The pool as the network sees it, and the averaged network's answers to it as it is."""
        if not self.changes_pool:
            return self._input(batch.pool, moment), None
        pool = as_input(self.source.take(batch.pool))
        draw = step_generator(self.settings.seed, moment.step)
        affine = self.settings.augment == "affine"
        seen = random_affine(pool, draw, self.settings.augment_strength) if affine else pool
        if not taught:
            return self._through_frozen(seen, moment), None
        with torch.no_grad():
            unchanged = pool if self.frozen is None else self._input(batch.pool, moment)
            answers = self._log_p(self._embedded(moment.average, [references, unchanged], moment), batch)
        if self.options.adversarial:

            def log_p_of(moved: Images) -> LogProbabilities:
                inputs = [references, self._through_frozen(moved, moment)]
                return self._log_p(self._embedded(self.network, inputs, moment), batch)

            seen = adversarial_change(seen, answers, log_p_of, self.options.adversarial, draw)
        return self._through_frozen(seen, moment), answers

    def _input(self, positions: Tensor, moment: Moment) -> Tensor:
        """Unchanged images as the part that trains takes them: themselves, or their features of the frozen layers."""
        if self.frozen is not None:
            return self.frozen.take(positions, moment.precision)
        return as_input(self.source.take(positions))

    def _through_frozen(self, images: Images, moment: Moment) -> Tensor:
        return images if self.frozen is None else self.frozen.through(images, moment.precision)

    def _log_p(self, points: tuple[Tensor, ...], batch: Batch, part: int = 1) -> LogProbabilities:
        sets, classes = batch.references.shape
        references = points[0].view(sets, classes, -1)
        temperature = self.options.temperature_value
        return log_probabilities(points[part], references, distance=self.options.distance, temperature=temperature)

    def _embedded(self, network: nn.Module, parts: list[Tensor], moment: Moment) -> tuple[Tensor, ...]:
        """The points of several groups of inputs, from one forward pass over all of them."""
        network = network if self.frozen is None else self.frozen.tail_of(network)
        joined = torch.cat(parts).contiguous(memory_format=torch.channels_last)
        with torch.autocast(joined.device.type, torch.bfloat16, enabled=moment.precision == "bfloat16"):
            points = network(joined)
        return points.float().split([len(part) for part in parts])
