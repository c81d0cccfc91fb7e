"""The loop: it learns, it repeats itself bit for bit, and each step is what the objectives say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ilk.data.augmentation import random_affine
from ilk.networks import as_input, build, embed
from ilk.objectives import (
    adversarial_change,
    consistency,
    distance_ratio,
    log_probabilities,
    minimum_entropy,
    similar_classes,
)
from ilk.sampling import Sampler, step_generator
from ilk.training import Callbacks
from ilk.training.step import TERMS, ClassPriors, PseudoLabels, step_terms
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
    still = replace(
        TINY, learning_rate=1e-30, weight_decay=0.0, consistency_weight=0.0
    )  # the weights stay, so that terms can be taken again
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
    changed = random_affine(pool, draw)

    def points_of(network: nn.Module, *parts: Tensor) -> list[Tensor]:
        points = network(torch.cat(parts))
        sets = points[:6].view(2, 3, -1)
        others = points[6:].split([len(part) for part in parts[1:]])
        return [log_probabilities(part, sets, temperature=2.0) for part in others]

    teacher = build("neighbor-mnist", channels=1, seed=7).eval()
    (taught,) = points_of(teacher, references, pool)
    worst = adversarial_change(changed, taught, lambda x: points_of(network, references, x)[0], 0.1, draw)
    of_queries, of_changed = points_of(network, references, queries, worst)
    expected = {
        "labeled": distance_ratio(of_queries, step.labels, step.counted),
        "entropy": minimum_entropy(of_changed),
        "consistency": consistency(taught, of_changed, 0.0),
    }
    assert expected["consistency"] > 0
    led = replace(TINY, adversarial=0.1, threshold=0.0)
    network.load_state_dict(build("neighbor-mnist", channels=1).state_dict())
    found = step_terms(network, images, step, led, number=4, teacher=teacher)
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
    terms = step_terms(network, images, step, plain, number=0, teacher=fresh(plain).average)
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
    soft = run(short, known=ClassPriors(class_targets=similar_classes(apart))).history[0]
    assert soft["labeled"] != plain["labeled"]
    assert run(short, known=ClassPriors(class_targets=torch.eye(3))).history[0]["labeled"] == pytest.approx(
        plain["labeled"], rel=1e-5
    )
    grouped = run(short, known=ClassPriors(groups=torch.tensor([0, 0, 1]))).history[0]
    assert 0 < grouped["entropy"] < plain["entropy"]
    assert run(short, known=ClassPriors(groups=torch.zeros(3, dtype=torch.int64))).history[0][
        "entropy"
    ] == pytest.approx(0, abs=1e-6)


def test_in_bfloat16_the_terms_are_nearly_the_same_and_everything_that_stays_is_float32() -> None:
    images, targets, _ = pictures()
    step = Sampler(targets, sets=2, queries=9, pool=16, seed=1).step(4)
    found = {}
    for precision in ("float32", "bfloat16"):
        state = fresh(replace(TINY, precision=precision))
        terms = step_terms(state.network, images, step, replace(TINY, precision=state.precision), number=4)
        found[precision] = [terms[name].item() for name in ("labeled", "entropy")]
        assert all(term.dtype == torch.float32 for term in terms.values())
    assert found["bfloat16"] == pytest.approx(found["float32"], rel=0.05, abs=0.02)
    assert found["bfloat16"] != found["float32"]
    state = run(replace(TINY, precision="bfloat16", epochs=20.0))
    assert state.history[-1]["labeled"] < 0.3 * state.history[0]["labeled"]
    assert {tensor.dtype for tensor in state.tensors().values() if tensor.is_floating_point()} == {torch.float32}


def test_a_resumed_run_keeps_its_precision() -> None:
    first = run(replace(TINY, precision="bfloat16", epochs=1.0))
    again = fresh(replace(TINY, precision="float32"))
    again.restore(first.tensors(), first.place())
    assert again.precision == "bfloat16"


def test_beliefs_are_learned_up_to_their_end_and_only_where_they_are_certain() -> None:
    images, targets, truth = pictures()
    certain = torch.arange(len(truth)) % 2 == 0
    wrong = torch.where(certain, truth, (truth + 1) % CLASSES)
    step = Sampler(targets, sets=2, queries=9, pool=16, seed=1).step(0)
    places, counted = PseudoLabels(wrong, certain).of(step)
    assert torch.equal(places, wrong[step.pool])
    assert torch.equal(counted, certain[step.pool][:, None].expand(16, 2))

    network = fresh().network.train()
    points = network(as_input(images[torch.cat([step.references.flatten(), step.queries, step.pool])]))
    log_p = log_probabilities(points[15:], points[:6].view(2, 3, -1), temperature=2.0)
    own = -log_p.gather(2, truth[step.pool].view(-1, 1, 1).expand(-1, 2, 1)).squeeze(2)
    plain = replace(TINY, augment="none")  # nothing is changed, so nothing is drawn
    found = step_terms(
        fresh().network.train(),
        images,
        step,
        plain,
        number=0,
        known=ClassPriors(beliefs=PseudoLabels(wrong, certain)),
    )
    assert found["consistency"].item() == pytest.approx((own * certain[step.pool][:, None]).mean().item(), rel=1e-4)

    half = replace(TINY, spread_until=0.5, entropy_weight=0.0)
    learned = run(half, known=ClassPriors(beliefs=PseudoLabels(wrong, certain)))
    assert learned.history[0]["consistency"] > 0
    assert learned.history != run(half).history
    assert_identical(
        run(replace(half, spread_until=0.0), known=ClassPriors(beliefs=PseudoLabels(wrong, certain))),
        run(replace(half, spread_until=0.0)),
    )


def test_nothing_teaches_in_the_first_part_of_a_run_where_nothing_is_believed() -> None:
    learned = run(replace(TINY, spread_until=0.5, adversarial=0.07))
    taught = [record["consistency"] > 0 for record in learned.history]
    half = len(taught) // 2
    assert taught == [False] * half + [True] * half


def test_beliefs_of_classes_that_a_step_does_not_compare_do_not_count() -> None:
    targets = torch.arange(8).repeat(3)
    step = Sampler(targets, sets=1, queries=2, pool=24, compared=3, seed=0).step(0)
    places, counted = PseudoLabels(targets, torch.ones(24, dtype=torch.bool)).of(step)
    inside = torch.isin(targets[step.pool], step.classes)
    assert torch.equal(counted[:, 0], inside)
    assert torch.equal(step.classes[places[inside]], targets[step.pool][inside])
