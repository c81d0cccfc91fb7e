"""The loop: it learns, it repeats itself bit for bit, follows its schedule and tells what happens."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ilk.methods import NeighborMethod
from ilk.networks import embed
from ilk.training import Callbacks
from tests.training.tiny_run import assert_identical, fresh, pictures, run, tiny

TERMS = [curve.name for curve in NeighborMethod.curves]


def leave_one_out(points: np.ndarray, truth: np.ndarray) -> float:
    apart = ((points[:, None] - points[None]) ** 2).sum(2)
    np.fill_diagonal(apart, np.inf)
    return float((truth[apart.argmin(1)] != truth).mean())


@pytest.mark.parametrize("distance", ["squared", "euclidean"])
def test_the_loss_falls_and_the_classes_come_apart(distance: str) -> None:
    images, _, truth = pictures()
    state = run(tiny(epochs=20.0, distance=distance))
    assert state.history[-1]["labeled"] < 0.3 * state.history[0]["labeled"]
    for network in (state.network, state.average):
        assert leave_one_out(embed(network, images.numpy()), truth.numpy()) == 0


def test_the_same_seed_is_the_same_run_and_another_is_not() -> None:
    first = run()
    torch.manual_seed(123)
    before = torch.get_rng_state()
    assert_identical(first, run())
    assert torch.equal(torch.get_rng_state(), before)
    other = run(tiny(seed=2))
    assert other.history != first.history


def test_fractions_of_an_epoch_are_steps() -> None:
    assert run(tiny(epochs=0.7)).step == 2
    assert run(tiny(epochs=0.01)).step == 1


def test_callbacks_hear_every_step_and_every_record() -> None:
    heard: dict[str, list] = {"steps": [], "records": [], "saves": []}
    state = fresh()
    callbacks = Callbacks(
        probe=lambda network: {"probed": float(network is state.average)},
        on_record=heard["records"].append,
        on_step=lambda step, total: heard["steps"].append((step, total)),
        save=lambda _, must: heard["saves"].append(must),
    )
    run(state=state, callbacks=callbacks)
    assert heard["steps"] == [(n, 12) for n in range(1, 13)]
    assert heard["saves"] == [False] * 11 + [True]
    assert heard["records"] == state.history
    assert [r["step"] for r in state.history] == [2, 4, 6, 8, 10, 12]
    assert [r["epoch"] for r in state.history] == pytest.approx([n / 3 for n in (2, 4, 6, 8, 10, 12)])
    assert all(r["probed"] == 1 and set(TERMS) <= r.keys() for r in state.history)


def test_the_averaged_weights_keep_their_decay_of_themselves() -> None:
    state = fresh(tiny(averaging=0.1))
    averages = [p.detach().double() for p in state.network.parameters()]

    def follow(step: int, total: int | None) -> None:
        for average, present in zip(averages, state.network.parameters(), strict=True):
            average.mul_(0.1).add_(present.detach(), alpha=0.9)

    run(tiny(averaging=0.1), state, callbacks=Callbacks(on_step=follow))
    for average, expected in zip(state.average.parameters(), averages, strict=True):
        torch.testing.assert_close(average.double(), expected, rtol=1e-5, atol=1e-6)
    assert all(not p.requires_grad for p in state.average.parameters())


def test_the_averaged_weights_leave_the_first_weights_soon_and_without_averaging_are_the_last() -> None:
    slow = tiny(averaging=0.999, epochs=0.01)
    state = run(slow)
    start, average, present = (
        torch.cat([p.detach().flatten() for p in network.parameters()])
        for network in (fresh().network, state.average, state.network)
    )
    assert 0 < (average - present).norm() < 0.5 * (average - start).norm()

    last = run(tiny(averaging=0.0))
    for name, value in last.average.state_dict().items():
        assert torch.equal(value, last.network.state_dict()[name]), name


@pytest.mark.parametrize(
    "setting",
    [
        {"schedule": "steps"},
        {"schedule": "plateau", "patience": 1},
        {"learning_rate": None},
        {"nesterov": False},
        {"momentum": 0.0},
        {"optimizer": "adam", "learning_rate": 0.001},
        {"optimizer": "adamw", "learning_rate": 0.001},
    ],
)
def test_every_setting_trains(setting: dict) -> None:
    state = run(tiny(epochs=1.0, **setting))
    assert all(np.isfinite(list(record.values())).all() for record in state.history)


def test_a_resumed_run_keeps_its_precision() -> None:
    first = run(tiny(precision="bfloat16", epochs=1.0))
    again = fresh(tiny(precision="float32"))
    again.restore(first.tensors(), first.metadata())
    assert again.precision == "bfloat16"
