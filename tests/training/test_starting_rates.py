"""Every network learns at its starting rate, in the method's own loop, on real images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ilk.data import load
from ilk.data.image_source import DeviceImages
from ilk.methods import NeighborMethod, NeighborSettings
from ilk.networks import NETWORKS, build
from ilk.training import Callbacks, Settings, TrainingState, train

STEPS, PER_CLASS, LABELS = 20, 12, 4
GUESSING = np.log(10)
SMALL = NeighborSettings(sets=1, queries=8, pool=8, spread_share=0.0)  # else the default objective; 34 images a step


@pytest.fixture(scope="module")
def pictures(data_dir: Path) -> tuple[Tensor, Tensor]:
    """120 images of CIFAR-10, the first four of each class labeled."""
    whole = load(data_dir / "cifar10", split="test", size=32, channels=3)
    draws = np.random.default_rng(0)
    chosen = [draws.choice(np.flatnonzero(whole.targets == c), PER_CLASS, replace=False) for c in range(10)]
    targets = np.where(np.arange(PER_CLASS) < LABELS, np.arange(10)[:, None], -1)
    return torch.from_numpy(whole.images[np.concatenate(chosen)]), torch.from_numpy(targets.reshape(-1))


def labeled_losses(name: str, images: Tensor, targets: Tensor) -> list[float]:
    """The labeled term of each step: the term whose weight does not change along a run."""
    side = max(32, NETWORKS[name].smallest)
    if side > 32:
        images = interpolate(images.float(), (side, side), mode="bilinear").round().byte()
    settings = Settings(epochs=STEPS / (len(images) // SMALL.pool))
    network = build(name, channels=3, size=(side, side))
    state = TrainingState(NeighborMethod(network, DeviceImages(images), targets, settings, SMALL), settings)
    losses, last = [], 0.0

    def note(state: TrainingState) -> None:
        nonlocal last
        if state.summed:
            losses.append(float(state.sums["labeled"]) - (last if state.summed > 1 else 0.0))
        last = float(state.sums.get("labeled", 0.0))

    train(state, settings, callbacks=Callbacks(on_state=note))
    return losses


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("name", NETWORKS)
def test_the_loss_of_the_last_ten_steps_is_below_that_of_the_first(name: str, pictures: tuple[Tensor, Tensor]) -> None:
    losses = labeled_losses(name, *pictures)
    assert len(losses) == STEPS
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    # An embedding that shrinks to one point has just the loss of guessing, in every step.
    assert np.abs(np.array(losses[-10:]) - GUESSING).mean() > 0.02
    print(f"{np.mean(losses[:10]):.3f} {np.mean(losses[-10:]):.3f}")
