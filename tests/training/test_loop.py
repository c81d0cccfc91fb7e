"""The loop: it learns, it repeats itself bit for bit, and each step is what the objectives say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ilk.data.augmentation import random_affine
from ilk.networks import as_input, build, embed
from ilk.objectives import consistency, distance_ratio, log_probabilities, minimum_entropy, similar_classes
from ilk.sampling import Sampler, step_generator
from ilk.training import Callbacks
from ilk.training.loop import TERMS, step_terms
from tests.reference import neighbor_embedding as paper
from tests.training.tiny_run import CLASSES, TINY, assert_identical, fresh, pictures, run


def leave_one_out(points: np.ndarray, truth: np.ndarray) -> float:
    apart = ((points[:, None] - points[None]) ** 2).sum(2)
    np.fill_diagonal(apart, np.inf)
    return float((truth[apart.argmin(1)] != truth).mean())


@pytest.mark.parametrize("distance", ["squared", "euclidean"])
def test_the_loss_falls_and_the_classes_come_apart(distance: str) -> None:
    images, _, truth = pictures()
    state = run(replace(TINY, epochs=20.0, distance=distance))
    assert state.history[-1]["labeled"] < 0.3 * state.history[0]["labeled"]
    for network in (state.network, state.average):
        assert leave_one_out(embed(network, images.numpy()), truth.numpy()) == 0


def test_the_same_seed_is_the_same_run_and_another_is_not() -> None:
    first = run()
    torch.manual_seed(123)
    before = torch.get_rng_state()
    assert_identical(first, run())
    assert torch.equal(torch.get_rng_state(), before)
    other = run(replace(TINY, seed=2))
    assert other.history != first.history


def test_fractions_of_an_epoch_are_steps() -> None:
    assert run(replace(TINY, epochs=0.7)).step == 2
    assert run(replace(TINY, epochs=0.01)).step == 1


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


def test_a_record_holds_the_mean_of_each_term_since_the_last_one() -> None:
    images, targets, _ = pictures()
    still = replace(TINY, learning_rate=1e-30, weight_decay=0.0)  # the weights stay, so that terms can be taken again
    history = run(still).history
    network = build("neighbor-mnist", channels=1, seed=still.seed).train()
    sampler = Sampler(targets, sets=2, queries=9, pool=16, seed=1)
    terms = [step_terms(network, images, sampler.step(n), still, number=n) for n in (2, 3)]
    for name in TERMS:
        assert history[1][name] == pytest.approx(sum(t[name].item() for t in terms) / 2, rel=1e-4)


def test_a_step_s_terms_are_the_objectives_of_one_joint_forward_pass() -> None:
    images, targets, _ = pictures()
    network = build("neighbor-mnist", channels=1).train()
    step, draw = Sampler(targets, sets=2, queries=9, pool=16, seed=1).step(4), step_generator(TINY.seed, 4)
    references, queries = as_input(images[step.references.flatten()]), as_input(images[step.queries])
    pool = as_input(images[step.pool])
    queries = random_affine(queries, draw)
    points = network(torch.cat([references, queries, pool, random_affine(pool, draw)]))
    z = points[:6].view(2, 3, -1)
    of_queries, of_pool, of_changed = (log_probabilities(x, z, temperature=2.0) for x in points[6:].split([9, 16, 16]))
    expected = {
        "labeled": distance_ratio(of_queries, step.labels, step.counted),
        "entropy": minimum_entropy(of_pool),
        "consistency": consistency(of_pool, of_changed, 0.95),
    }
    network.load_state_dict(build("neighbor-mnist", channels=1).state_dict())
    found = step_terms(network, images, step, TINY, number=4)
    assert {name: term.item() for name, term in found.items()} == pytest.approx(
        {name: term.item() for name, term in expected.items()}, rel=1e-4, abs=1e-6
    )


@pytest.mark.parametrize("compared", [2, 64])  # of three classes: two thirds, or all
def test_one_step_moves_the_weights_against_the_gradient_of_the_weighted_sum(compared: int) -> None:
    images, targets, _ = pictures()
    plain = replace(TINY, epochs=0.01, momentum=0.0, weight_decay=0.0, compared=compared)
    plain = replace(
        plain,
        labeled_weight=0.7,
        entropy_weight=0.3,
        entropy_start=0.0,
        entropy_ramp=0.0,
        consistency_weight=0.5,
        threshold=0.0,
    )
    network = fresh(plain).network.train()
    step = Sampler(targets, sets=2, queries=9, pool=16, compared=compared, seed=1).step(0)
    terms = step_terms(network, images, step, plain, number=0)
    share = min(1, compared / CLASSES)
    total = paper.total(terms["labeled"], terms["entropy"], 0.7, 0.3 * share) + 0.5 * terms["consistency"]
    total.backward()
    moved = dict(run(plain).network.named_parameters())
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(moved[name], parameter - 0.05 * parameter.grad, rtol=1e-5, atol=1e-6)


def test_the_averaged_weights_keep_their_decay_of_themselves() -> None:
    state = fresh(replace(TINY, averaging=0.1))
    averages = [p.detach().double() for p in state.network.parameters()]

    def follow(step: int, total: int | None) -> None:
        for average, present in zip(averages, state.network.parameters(), strict=True):
            average.mul_(0.1).add_(present.detach(), alpha=0.9)

    run(replace(TINY, averaging=0.1), state, callbacks=Callbacks(on_step=follow))
    for average, expected in zip(state.average.parameters(), averages, strict=True):
        torch.testing.assert_close(average.double(), expected, rtol=1e-5, atol=1e-6)
    assert all(not p.requires_grad for p in state.average.parameters())


def test_the_averaged_weights_leave_the_first_weights_soon_and_without_averaging_are_the_last() -> None:
    slow = replace(TINY, averaging=0.999, epochs=0.01)
    state = run(slow)
    start, average, present = (
        torch.cat([p.detach().flatten() for p in network.parameters()])
        for network in (fresh().network, state.average, state.network)
    )
    assert 0 < (average - present).norm() < 0.5 * (average - start).norm()

    last = run(replace(TINY, averaging=0.0))
    for name, value in last.average.state_dict().items():
        assert torch.equal(value, last.network.state_dict()[name]), name


@pytest.mark.parametrize(
    "setting",
    [
        {"pool": 0},
        {"augment": "none"},
        {"consistency_weight": 0.0},
        {"pool_of": "unlabeled"},
        {"sets": 5},
        {"exclude_own": False},
        {"compared": 2},
        {"schedule": "steps"},
        {"schedule": "plateau", "patience": 1},
        {"learning_rate": None},
        {"nesterov": False},
        {"momentum": 0.0},
    ],
)
def test_every_setting_trains(setting: dict) -> None:
    state = run(replace(TINY, epochs=1.0, **setting))
    assert all(np.isfinite(list(record.values())).all() for record in state.history)
    if "pool" in setting:
        assert {(r["entropy"], r["consistency"]) for r in state.history} == {(0, 0)}
    if setting.get("augment") == "none" or "consistency_weight" in setting:
        assert {r["consistency"] for r in state.history} == {0}


def test_known_distances_between_classes_and_groups_change_the_loss() -> None:
    apart = torch.tensor([[0.0, 1.0, 4.0], [1.0, 0.0, 4.0], [4.0, 4.0, 0.0]])
    short = replace(TINY, epochs=0.01)
    plain = run(short).history[0]
    soft = run(short, class_targets=similar_classes(apart)).history[0]
    assert soft["labeled"] != plain["labeled"]
    assert run(short, class_targets=torch.eye(3)).history[0]["labeled"] == pytest.approx(plain["labeled"], rel=1e-5)
    grouped = run(short, groups=torch.tensor([0, 0, 1])).history[0]
    assert 0 < grouped["entropy"] < plain["entropy"]
    assert run(short, groups=torch.zeros(3, dtype=torch.int64)).history[0]["entropy"] == pytest.approx(0, abs=1e-6)
