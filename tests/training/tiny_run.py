"""A training problem of seconds: noisy 8×8 images of three classes, four labels each."""

from __future__ import annotations

import torch
from torch import Tensor

from ilk.networks import build
from ilk.training import Settings, TrainingState, train

SIDE, CLASSES, COUNT = 8, 3, 60
TINY = Settings(
    epochs=4.0,  # of 3 steps
    sets=2,
    queries=9,
    pool=16,
    temperature=2.0,
    entropy_weight=0.1,
    entropy_start=0.0,
    augment_strength=1.0,
    adversarial=0.0,
    spread_until=0.0,
    precision="float32",
    threshold=0.95,
    learning_rate=0.05,
    warmup_steps=5,
    averaging=0.9,
    seed=1,
)


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


def fresh(settings: Settings = TINY) -> TrainingState:
    return TrainingState(build("neighbor-mnist", channels=1, seed=settings.seed), settings)


def run(settings: Settings = TINY, state: TrainingState | None = None, **options: object) -> TrainingState:
    images, targets, _ = pictures()
    state = state or fresh(settings)
    train(state, images, targets, settings, **options)  # type: ignore[arg-type]
    return state


def assert_identical(a: TrainingState, b: TrainingState) -> None:
    assert a.place() == b.place()
    ours, theirs = a.tensors(), b.tensors()
    assert ours.keys() == theirs.keys()
    different = [name for name in ours if not torch.equal(ours[name], theirs[name])]
    assert different == []
