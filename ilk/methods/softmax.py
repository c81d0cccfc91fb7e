"""Cross-entropy: a linear head over the embedding, trained on the labeled images alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ilk.data.augmentation import random_affine
from ilk.data.image_source import ImageSource
from ilk.distances import Distance
from ilk.errors import UsageError
from ilk.methods.class_priors import NO_PRIORS, ClassPriors
from ilk.methods.neighbor_settings import TEMPERATURE
from ilk.neighbors import HeadClassifier, fit_classifier, with_head
from ilk.networks import as_input
from ilk.networks.frozen_features import FrozenFeatures
from ilk.sampling import batch_generator, head_generator, step_generator
from ilk.shapes import Images, Labels, Targets, Vectors
from ilk.training import Settings
from ilk.training.curves import Curve
from ilk.training.dropout import own_draws
from ilk.training.method import MAIN, Method, Moment, Term, Update
from ilk.training.optimizers import build_optimizer
from ilk.training.ranges import Count, check_settings


@dataclass(frozen=True)
class SoftmaxSettings:
    """What the softmax family minimizes, and on which images.

    Raises:
        UsageError: a value out of its range.
    """

    batch: Count = 64
    """Labeled images per step, drawn with replacement."""

    def __post_init__(self) -> None:
        check_settings(self)

    def for_network(self, network: object) -> SoftmaxSettings:
        """The same settings: a head finds its own scale on any network."""
        return self


class HeadedNetwork(nn.Module):
    """An embedding with a linear layer on top, whose outputs are logits.

    Args:
        embedding: images to points of `dim` dimensions.
        dim: dimensions of the points.
        classes: C.
        seed: of the head's weights, uniform in ±1/√dim; its bias begins at 0.
    """

    def __init__(self, embedding: nn.Module, dim: int, classes: int, seed: int) -> None:
        super().__init__()
        self.embedding = embedding
        self.head = nn.utils.skip_init(nn.Linear, dim, classes)
        with torch.no_grad():
            self.head.weight.uniform_(-(dim**-0.5), dim**-0.5, generator=head_generator(seed))
            self.head.bias.zero_()

    def forward(self, images: Images) -> Tensor:
        """Logits, shape (batch, classes)."""
        points = self.embedding(images)  # (batch, dim)
        logits: Tensor = self.head(points)
        return logits


@dataclass(frozen=True)
class LabeledBatch:
    """Labeled images by their positions in the data set, with their class numbers."""

    positions: Tensor
    labels: Labels


class SoftmaxMethod(Method):
    """Cross-entropy of a softmax over a linear head with the labels; unlabeled images are not looked at.

    Args:
        network: images to points; trained in place, with a head of its own.
        source: of all images, on the device of the network.
        targets: shape (images,), class numbers, −1 for unlabeled; every class has a label.
        settings: of the run; a learning rate that is None is the network's.
        options: of the method.
        priors: none are used.
        frozen: not used: every image is changed, or few are looked at.
    Raises:
        UsageError: prior knowledge of the classes was given.
    See also:
        NeighborMethod: learns from the unlabeled images too, and has no head.
    """

    Options = SoftmaxSettings
    recipes: ClassVar[Mapping[str, SoftmaxSettings]] = {"cross-entropy": SoftmaxSettings()}
    scale: tuple[Distance, float] = ("squared", TEMPERATURE)  # of the neighbors that stand beside an answer
    curves = (Curve("labeled", "Labeled loss", "nats", "0 when every labeled image is surely given its own class."),)

    def __init__(
        self,
        network: nn.Module,
        source: ImageSource,
        targets: Labels,
        settings: Settings,
        options: SoftmaxSettings,
        priors: ClassPriors = NO_PRIORS,
        frozen: FrozenFeatures | None = None,
    ) -> None:
        if priors != NO_PRIORS:
            raise UsageError("Cross-entropy uses no prior knowledge of the classes. Leave it out.")
        self.settings, self.options, self.source, self.targets = settings.for_network(network), options, source, targets
        device, classes = next(network.parameters()).device, int(targets.max()) + 1
        self.network = HeadedNetwork(network, points_in(network, source), classes, settings.seed).to(device)
        self.networks = {MAIN: self.network}
        self.optimizers = {MAIN: build_optimizer(self.network.parameters(), self.settings)}
        self.labeled = (targets >= 0).nonzero().flatten()

    def batch_sizes(self, halvings: int) -> dict[str, int]:
        """Labeled images alone."""
        return {"labeled": max(1, self.options.batch >> halvings)}

    def steps_per_epoch(self, halvings: int) -> int:
        """Steps that see as many images as there are, labeled or not, so that epochs compare with other methods'."""
        return max(1, len(self.targets) // self.batch_sizes(halvings)["labeled"])

    def draw(self, moment: Moment) -> LabeledBatch:
        """Labeled images, uniformly and with replacement."""
        generator = batch_generator(self.settings.seed, moment.step)
        count = self.batch_sizes(moment.halvings)["labeled"]
        chosen = self.labeled[torch.randint(len(self.labeled), (count,), generator=generator)]
        return LabeledBatch(chosen, self.targets[chosen])

    def updates(self, batch: LabeledBatch, moment: Moment) -> Iterator[Update]:
        """One update, of the cross-entropy."""
        images = as_input(self.source.take(batch.positions))
        if self.settings.augment == "affine":
            draw = step_generator(self.settings.seed, moment.step)
            images = random_affine(images, draw, self.settings.augment_strength)
        low = torch.autocast(images.device.type, torch.bfloat16, enabled=moment.precision == "bfloat16")
        with own_draws(self.network, self.settings.seed, moment.step), low:
            logits = self.network(images)
        yield Update({"labeled": Term(functional.cross_entropy(logits.float(), batch.labels.to(logits.device)))})

    def embedding(self, network: nn.Module) -> nn.Module:
        """What stands before the head."""
        part: nn.Module = network.get_submodule("embedding")
        return part

    def classifier(self, network: nn.Module, points: Vectors, targets: Targets, classes: int) -> HeadClassifier:
        """The head answers; the nearest labeled images are its evidence."""
        head = [network.get_parameter(f"head.{name}") for name in ("weight", "bias")]
        weight, bias = (tensor.detach().cpu().numpy() for tensor in head)
        return with_head(fit_classifier(points, targets, classes, temperature=self.scale[1]), weight, bias)


def points_in(network: nn.Module, source: ImageSource) -> int:
    """How many dimensions the points of a network have."""
    was_training = network.training
    network.eval()
    with torch.no_grad():
        found: Tensor = network(as_input(source.take(torch.zeros(1, dtype=torch.int64))))
    network.train(was_training)
    return found.shape[1]
