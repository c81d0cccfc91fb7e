"""The default recipe: from a data set to a trained space, the whole path on one screen."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from ilk.data import Dataset
from ilk.errors import UsageError
from ilk.neighbors import fit_classifier, leave_one_out_error
from ilk.networks import build, canonical_name, embed
from ilk.recipes.space import Space
from ilk.shapes import Vectors
from ilk.training import (
    Callbacks,
    Record,
    Settings,
    TimePlan,
    TrainingState,
    class_shares,
    effective_rank,
    spread,
    train,
)
from ilk.training.monitor import LARGEST_SAMPLE

SECONDS_OF_THE_END = 8.0
"""What a run needs after its last step, beside embedding its images and drawing its map: index, tables, report."""

SECONDS_OF_THE_MAP = 8.0
IMAGES_ON_THE_MAP = 3000
"""The report's map shows at most so many images, and takes so long then."""


@dataclass(frozen=True)
class Fitted:
    """What a run leaves behind: the space, the point of every image of the run, and the records of its training."""

    space: Space
    points: Vectors
    history: list[Record]


def fit(
    dataset: Dataset,
    settings: Settings,
    *,
    network: str = "neighbor-mnist",
    device: str = "auto",
    callbacks: Callbacks | None = None,
    checkpoint: tuple[dict[str, Tensor], dict] | None = None,
    started: float | None = None,
) -> Fitted:
    """Train a space on a few labels and all images.

    Args:
        dataset: at least two classes with labels; the other images count as unlabeled.
        settings: of the training.
        network: a name of `ilk.networks.NETWORKS`.
        device: "auto", "cpu", "cuda" or "cuda:N".
        callbacks: what is saved and shown on the way; their probe is replaced by this recipe's.
        checkpoint: tensors and place of a state to go on from.
        started: when the time limit began, by time.monotonic(); None for now.
    Raises:
        DataError: no images, no labels, or one class only.
        DivergedError, InterruptedRunError: from `ilk.training.train`.
    """
    started = time.monotonic() if started is None else started
    dataset.require_trainable()
    place = choose_device(device)
    name = canonical_name(network)
    channels, height, width = dataset.images.shape[1:]
    built = build(name, channels=channels, size=(height, width), seed=settings.seed)

    state = TrainingState(built.to(place), settings)
    if checkpoint is not None:
        state.restore(*checkpoint)
    plan = None
    if settings.time_limit is not None and state.total is None:  # a resumed run keeps the length that it had
        plan = TimePlan(settings.time_limit, seconds_of_the_end(state.network, dataset), started)
    callbacks = replace(callbacks or Callbacks(), probe=lambda rested: probe(rested, dataset, settings))
    images, targets = torch.from_numpy(dataset.images).to(place), torch.from_numpy(dataset.targets)
    train(state, images, targets, settings, plan=plan, callbacks=callbacks)

    points = embed(state.average, dataset.images)
    labeled = dataset.labeled
    classifier = fit_classifier(
        points[labeled],
        dataset.targets[labeled],
        len(dataset.classes),
        distance=settings.distance,
        temperature=settings.temperature,
    )
    space = Space(
        network=state.average.cpu().eval(),
        network_name=name,
        size=(height, width),
        channels=channels,
        gray_too=bool(dataset.gray.any()),
        classes=dataset.classes,
        reference_names=tuple(dataset.names[i] for i in labeled),
        classifier=classifier,
    )
    return Fitted(space, points, state.history)


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
        raise UsageError(f"The device {name!r} is not usable here: give --device auto or cpu.")
    return device


def seconds_of_the_end(network: nn.Module, dataset: Dataset) -> float:
    """How long embedding all images and writing the results will take, from the fastest of three samples.

    One sample alone may meet a busy moment, and at a hundred times its size that would eat up the whole limit.
    """
    sample = dataset.images[:500]
    times = []
    for _ in range(3):
        begin = time.monotonic()
        embed(network, sample)
        times.append(time.monotonic() - begin)
    embedding = 1.5 * min(times) * len(dataset) / len(sample)
    return SECONDS_OF_THE_END + SECONDS_OF_THE_MAP * min(1.0, len(dataset) / IMAGES_ON_THE_MAP) + embedding


def probe(network: nn.Module, dataset: Dataset, settings: Settings) -> Record:
    """Figures of a network at rest: its error on its own labels, left out one by one, and signs of collapse."""
    labeled = evenly(dataset.labeled, 2 * LARGEST_SAMPLE)
    label_points, labels = embed(network, dataset.images[labeled]), dataset.targets[labeled]
    pool_points = embed(network, dataset.images[evenly(np.arange(len(dataset)), LARGEST_SAMPLE)])
    _, first_of_class = np.unique(labels, return_index=True)
    shares = class_shares(pool_points, label_points[first_of_class], settings)
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


def evenly(numbers: np.ndarray, most: int) -> np.ndarray:
    """All numbers, or `most` of them at even distances."""
    if len(numbers) <= most:
        return numbers
    return numbers[np.linspace(0, len(numbers) - 1, most).round().astype(int)]
