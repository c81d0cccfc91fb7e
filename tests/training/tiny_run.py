"""A training problem of seconds: noisy 8×8 images of three classes, four labels each."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ilk.data.image_source import DeviceImages
from ilk.methods import ClassPriors, NeighborMethod, NeighborSettings
from ilk.networks import build
from ilk.recipes.recipe import changed
from ilk.training import Settings, TrainingState, train

SIDE, CLASSES, COUNT = 8, 3, 60


class Tiny(NamedTuple):
    """The settings of a run: of the training and of the method."""

    settings: Settings
    options: NeighborSettings


TINY = Tiny(
    Settings(
        epochs=4.0,  # of 3 steps
        augment_strength=1.0,
        precision="float32",
        learning_rate=0.05,
        warmup_steps=5,
        averaging=0.9,
        seed=1,
    ),
    NeighborSettings(
        sets=2,
        queries=9,
        pool=16,
        temperature=2.0,
        entropy_weight=0.1,
        entropy_start=0.0,
        adversarial=0.0,
        spread_until=0.0,
        threshold=0.95,
    ),
)


def tiny(base: Tiny = TINY, **changes: object) -> Tiny:
    """The tiny run with other settings, of the training or of the method."""
    return Tiny(*changed(*base, changes))


def pictures() -> tuple[Tensor, Tensor, Tensor]:
    """Noisy images, bright at the left, the top or the middle: images, targets with 4 labels a class, truth."""
    draw = torch.Generator().manual_seed(0)
    truth = torch.arange(COUNT) % CLASSES
    images = torch.randint(0, 90, (COUNT, 1, SIDE, SIDE), generator=draw)
    images[truth == 0, :, :, :3] += 150
    images[truth == 1, :, :3, :] += 150
    images[truth == 2, :, 3:6, 3:6] += 150
    targets = truth.clone()
    targets[4 * CLASSES :] = -1
    return images.to(torch.uint8), targets, truth


def method(
    case: Tiny = TINY,
    priors: ClassPriors | None = None,
    weights: int | None = None,
    network: nn.Module | None = None,
) -> NeighborMethod:
    """The method of a run; `weights` is another seed for its first weights, `network` another network."""
    images, targets, _ = pictures()
    seed = case.settings.seed if weights is None else weights
    network = network or build("neighbor-mnist", channels=1, seed=seed)
    return NeighborMethod(network, DeviceImages(images), targets, *case, priors or ClassPriors())


def fresh(case: Tiny = TINY, priors: ClassPriors | None = None, weights: int | None = None) -> TrainingState:
    return TrainingState(method(case, priors, weights), case.settings)


def run(case: Tiny = TINY, state: TrainingState | None = None, **options: object) -> TrainingState:
    state = state or fresh(case)
    train(state, case.settings, **options)  # type: ignore[arg-type]
    return state


def assert_identical(a: TrainingState, b: TrainingState) -> None:
    assert a.metadata() == b.metadata()
    ours, theirs = a.tensors(), b.tensors()
    assert ours.keys() == theirs.keys()
    different = [name for name in ours if not torch.equal(ours[name], theirs[name])]
    assert different == []
