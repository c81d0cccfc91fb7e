"""From a data set to a trained space, by any method and settings; without any, the default recipe."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from ilk.data import Dataset
from ilk.data.image_source import ImageSource, source_of
from ilk.distances import Distance
from ilk.errors import DivergedError, UsageError
from ilk.methods import ClassPriors, MethodSettings, NeighborSettings, method_for
from ilk.model.initial_weights import Start, begin
from ilk.model.space import Space
from ilk.neighbors import leave_one_out_error
from ilk.networks import NETWORKS, canonical_name, embed
from ilk.networks.embedding import batch_for
from ilk.networks.frozen_features import FrozenFeatures
from ilk.shapes import ClassTargets, Groups, Vectors
from ilk.training import (
    Callbacks,
    Curve,
    Method,
    Record,
    Settings,
    TimePlan,
    TrainingState,
    class_shares,
    effective_rank,
    spread,
    train,
)
from ilk.training.collapse import LARGEST_SAMPLE


@dataclass(frozen=True)
class FitResult:
    """What a run leaves behind: the space, the point of every image of the run, and the records of its training.

    Also how many steps were skipped because a number was not finite, how often the batch was halved, and what the
    losses in the records are called.
    """

    space: Space
    points: Vectors
    history: list[Record]
    skipped: int = 0
    halvings: int = 0
    curves: Sequence[Curve] = ()

    def notes(self) -> list[str]:
        """A sentence for each thing that went wrong on the way."""
        steps = "1 step was" if self.skipped == 1 else f"{self.skipped:,} steps were"
        skipped = f"{steps} skipped, because the loss or a gradient was not a finite number"
        halved = f"memory was short: {batch_in_words(self.halvings)}"
        return [skipped] * (self.skipped > 0) + [halved] * (self.halvings > 0)


def fit(
    dataset: Dataset,
    settings: Settings,
    *,
    method: MethodSettings | None = None,
    network: str | None = None,
    dim: int | None = None,
    strided: bool = False,
    start: Start | None = None,
    freeze_to: str | None = None,
    device: str = "auto",
    callbacks: Callbacks | None = None,
    class_targets: ClassTargets | None = None,
    groups: Groups | None = None,
    checkpoint: tuple[dict[str, Tensor], dict] | None = None,
    started: float | None = None,
    reserve: float = 0.0,
) -> FitResult:
    """Train a space on a few labels and all images.

    Args:
        dataset: at least two classes with labels; the other images count as unlabeled.
        settings: of the training.
        method: what is minimized; None for neighbor embedding with its defaults.
        network: a name of `ilk.networks.NETWORKS`; None for that of `start`, or neighbor-mnist.
        dim: dimensions of the embedding; None for those of `start`, or the network's own.
        strided: strided convolutions in place of the pools, where the network has such a form.
        start, freeze_to: weights to begin from, and the last of the layers that stay as they are.
        device: "auto", "cpu", "cuda" or "cuda:N".
        callbacks: what is saved and shown on the way; their probe is replaced by this recipe's.
        class_targets, groups: prior knowledge of the classes, as for `ilk.methods.ClassPriors`.
        checkpoint: tensors and metadata of a state to resume from.
        started: when the time limit began, by time.monotonic(); None for now.
        reserve: seconds of the time limit that the caller needs after `fit`.
    Raises:
        DataError: no images, no labels, one class only, or other channels than those of `start`.
        UsageError: a setting that the network, the images or `start` do not have.
        DivergedError, InterruptedRunError: from `ilk.training.train`.
    """
    started = time.monotonic() if started is None else started
    dataset.require_trainable()
    place, method = choose_device(device), method or NeighborSettings()
    name, dim, strided, settings = architecture(network, dim, strided, settings, start)
    options = {"strided": True} if strided else {}
    built, frozen = begin(dataset, settings, network=name, dim=dim, options=options, start=start, freeze_to=freeze_to)

    source, targets = source_of(dataset, place), torch.from_numpy(dataset.targets)
    priors = ClassPriors(class_targets, groups)
    features = frozen_features(built.to(place), freeze_to, source, dataset.labeled)
    learner = method_for(method)(built, source, targets, settings, method, priors, features)
    state = TrainingState(learner, settings, frozen)
    if checkpoint is not None:
        state.restore(*checkpoint)
    plan = None
    if settings.time_limit is not None and state.total is None:  # a resumed run keeps the length that it had
        reserve += embedding_seconds(learner.embedding(state.network), dataset)
        plan = TimePlan(settings.time_limit, reserve, started)
    distance, temperature = learner.scale

    def probed(averaged: nn.Module) -> Record:
        return probe(learner.embedding(averaged), dataset, distance=distance, temperature=temperature)

    callbacks = replace(callbacks or Callbacks(), probe=probed)
    train(state, settings, plan=plan, callbacks=callbacks)

    points = finite(embed(learner.embedding(state.average), source_of(dataset)))
    space = trained_space(learner, state.average.cpu(), points, dataset, name=name, options=options)
    return FitResult(space, points, state.history, state.skipped, state.halvings, learner.curves)


def frozen_features(
    network: nn.Module, layer: str | None, source: ImageSource, labeled: np.ndarray
) -> FrozenFeatures | None:
    """What the frozen layers give, to be computed once; None without any, or where the network cannot be cut there."""
    if layer is None:
        return None
    try:
        return FrozenFeatures(network, layer, source, torch.from_numpy(labeled))
    except (ValueError, UsageError):
        return None


def trained_space(
    method: Method, network: nn.Module, points: Vectors, dataset: Dataset, *, name: str, options: dict[str, bool]
) -> Space:
    """The trained network with the classifier over the points of the labeled images."""
    height, width = dataset.images.shape[2:]
    labeled = dataset.labeled
    return Space(
        network=method.embedding(network).eval(),
        network_name=name,
        size=(height, width),
        channels=dataset.images.shape[1],
        gray_too=bool(dataset.gray.any()),
        classes=dataset.classes,
        reference_names=tuple(dataset.names[i] for i in labeled),
        classifier=method.classifier(network, points[labeled], dataset.targets[labeled], len(dataset.classes)),
        options=options,
    )


def batch_in_words(halvings: int) -> str:
    """How large a step is after so many halvings."""
    return f"each step looks at 1/{2**halvings} as many images as asked for"


def architecture(
    network: str | None, dim: int | None, strided: bool, settings: Settings, start: Start | None
) -> tuple[str, int | None, bool, Settings]:
    """Name, dimensions, strided or not, and settings of a run, once what was left open is taken from its start.

    Raises:
        UsageError: no such network, or what was given contradicts the start.
    """
    if start is None:
        name = canonical_name(network or "neighbor-mnist")
    else:
        name = start.network
        if network is not None and canonical_name(network) != name:
            raise UsageError(f"{start.source} is of the network {name}, not {canonical_name(network)}. Leave one out.")
        if strided and not start.options.get("strided"):
            raise UsageError(f"{start.source} has no strided convolutions for its pools. Leave one of the two out.")
        if settings.subtract_mean and not start.subtract_mean:
            raise UsageError(f"{start.source} learned without subtracting a mean: leave subtract_mean out.")
        dim, strided = start.dim if dim is None else dim, bool(start.options.get("strided"))
        settings = replace(settings, subtract_mean=start.subtract_mean)
    return name, dim, strided, settings.for_network(NETWORKS[name])


def choose_network(name: str) -> str:
    """The network of that name; "auto" is the paper's small one, which trains about twelve times faster on a CPU.

    Raises:
        UsageError: no such network.
    """
    return "neighbor-mnist" if name == "auto" else canonical_name(name)


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" is the first CUDA device, else the CPU.

    Raises:
        UsageError: no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"There is no device {name!r}: auto, cpu, cuda or cuda:N.") from error
    usable = device.type == "cpu" or (
        device.type == "cuda" and torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()
    )
    if not usable:
        raise UsageError(f"The device {name!r} is not usable here: give `device` auto or cpu.")
    return device


def embedding_seconds(network: nn.Module, dataset: Dataset) -> float:
    """How long embedding all images will take, from the fastest of three samples.

    One sample alone may meet a busy moment, and at a hundred times its size that would eat up the whole limit.
    """
    sample = dataset.images[: batch_for(dataset.images.shape)]
    times = []
    for _ in range(3):
        begin = time.monotonic()
        embed(network, sample)
        times.append(time.monotonic() - begin)
    return 1.5 * min(times) * len(dataset) / len(sample)


def probe(network: nn.Module, dataset: Dataset, *, distance: Distance, temperature: float) -> Record:
    """Figures of a network in evaluation mode: its leave-one-out error on its own labels, and signs of collapse."""
    labeled = evenly(dataset.labeled, 2 * LARGEST_SAMPLE)
    label_points, labels = finite(embed(network, dataset.images[labeled])), dataset.targets[labeled]
    pool_points = finite(embed(network, dataset.images[evenly(np.arange(len(dataset)), LARGEST_SAMPLE)]))
    _, first_of_class = np.unique(labels, return_index=True)
    references = label_points[first_of_class]
    shares = class_shares(pool_points, references, distance=distance, temperature=temperature)
    # The only label of its class can never get its own class from the others.
    several = np.bincount(labels)[labels] > 1
    own = {"own_error": leave_one_out_error(label_points[several], labels[several])} if several.any() else {}
    return {
        **own,
        "spread": spread(pool_points),
        "effective_rank": effective_rank(pool_points),
        "largest_share": float(shares.max()),
        "largest_class": float(labels[first_of_class][shares.argmax()]),
    }


def finite(points: Vectors) -> Vectors:
    """The same points.

    Raises:
        DivergedError: one of them is not finite: the steps were so long that the weights ran away.
    """
    if not np.isfinite(points).all():
        raise DivergedError(
            "The training has diverged: an image's point is no finite number. Train again with a smaller learning rate."
        )
    return points


def evenly(numbers: np.ndarray, most: int) -> np.ndarray:
    """All numbers, or `most` of them at even distances."""
    if len(numbers) <= most:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, most).round().astype(int)]
