"""The loop: it learns, it repeats itself bit for bit, it resumes bit for bit, and it stops when it must."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from ilk.data.augmentation import random_affine
from ilk.errors import DivergedError, InterruptedRunError, UsageError
from ilk.networks import as_input, build, embed
from ilk.objectives import consistency, distance_ratio, log_probabilities, minimum_entropy, similar_classes
from ilk.sampling import Sampler, step_generator
from ilk.training import Callbacks, Record, Settings, TimePlan, TrainingState, train
from ilk.training.loop import TERMS, step_terms
from ilk.training.schedule import entropy_weight

SIDE, CLASSES, COUNT = 8, 3, 60
TINY = Settings(epochs=4.0, pool=16, queries=9, warmup_steps=5, learning_rate=0.05, seed=1)  # 3 steps an epoch


def pictures() -> tuple[Tensor, Tensor, Tensor]:
    """Noisy images of three classes (left bright, top bright, middle bright): images, targets with 4 labels a class, truth."""
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


@pytest.mark.parametrize("stop_after", [1, 5, 9])
def test_an_interrupted_run_goes_on_bit_for_bit(stop_after: int) -> None:
    """Through JSON and clones, into a fresh state of another seed; records fall due every second step."""
    whole = run()
    broken, saved = fresh(), []

    def save(state: TrainingState, must: bool) -> None:
        if must:
            tensors = {name: tensor.clone() for name, tensor in state.tensors().items()}
            saved.append((tensors, json.loads(json.dumps(state.place()))))

    with pytest.raises(InterruptedRunError, match=f"after step {stop_after};"):
        run(state=broken, callbacks=Callbacks(save=save, stop=lambda: broken.step == stop_after))
    assert len(saved) == 1
    assert saved[0][1]["step"] == stop_after

    again = TrainingState(build("neighbor-mnist", channels=1, seed=77), TINY)
    again.restore(*saved[0])
    assert_identical(again, broken)
    run(state=again)
    assert_identical(again, whole)
    assert again.step == 12


def test_restoring_forgets_what_came_after_the_saved_state() -> None:
    state = fresh()
    start = {name: tensor.clone() for name, tensor in state.tensors().items()}, copy.deepcopy(state.place())
    run(state=state)
    state.restore(*start)
    run(state=state)
    assert_identical(state, run())


def test_stopping_at_the_last_step_is_finishing() -> None:
    state = fresh()
    run(state=state, callbacks=Callbacks(stop=lambda: state.step == 12))
    assert state.step == state.total == 12


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


def test_one_step_moves_the_weights_against_the_gradient_of_the_weighted_sum() -> None:
    images, targets, _ = pictures()
    plain = replace(TINY, epochs=0.01, momentum=0.0, weight_decay=0.0, entropy_ramp=0.0, labeled_weight=0.7)
    network = build("neighbor-mnist", channels=1, seed=1).train()
    step = Sampler(targets, sets=2, queries=9, pool=16, seed=1).step(0)
    terms = step_terms(network, images, step, plain, number=0)
    total = 0.7 * terms["labeled"] + entropy_weight(plain, 0, 1) * terms["entropy"] + terms["consistency"]
    total.backward()
    moved = dict(run(plain).network.named_parameters())
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(moved[name], parameter - 0.05 * parameter.grad, rtol=1e-4, atol=1e-6)


def test_the_averaged_weights_follow_and_with_no_averaging_are_the_last() -> None:
    last = run(replace(TINY, averaging=0.0))
    for name, value in last.average.state_dict().items():
        assert torch.equal(value, last.network.state_dict()[name]), name
    lagging = run()
    assert any(not torch.equal(a, b) for a, b in zip(lagging.average.parameters(), lagging.network.parameters(), strict=True))
    assert all(not p.requires_grad for p in lagging.average.parameters())


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


def test_a_learning_rate_beyond_reason_is_divergence_with_its_step() -> None:
    state = fresh(replace(TINY, learning_rate=1e20))
    saved: list[int] = []
    with pytest.raises(DivergedError, match=r"At step \d+, .*smaller learning rate") as caught:
        run(replace(TINY, learning_rate=1e20), state, callbacks=Callbacks(save=lambda s, must: saved.append(s.step)))
    assert f"At step {state.step + 1}," in str(caught.value)
    assert set(saved) <= set(range(1, state.step + 1))


def test_weights_that_are_no_numbers_are_divergence_and_are_not_saved() -> None:
    state, saved = fresh(), []

    def poison(step: int, total: int | None) -> None:
        if step == 4:
            next(state.network.parameters()).data.fill_(float("nan"))

    def save(_: TrainingState, must: bool) -> None:
        if must:
            saved.append(must)

    with pytest.raises(DivergedError, match="At step 5, the loss is not a finite number"):
        run(state=state, callbacks=Callbacks(on_step=poison, save=save))
    assert saved == []
    assert state.step == 4


def test_a_gradient_that_is_no_number_leaves_the_weights_and_saves_them() -> None:
    state, saved = fresh(), []
    state.network.embedding.register_full_backward_hook(lambda *_: (torch.full((49, 128), float("inf")),))
    before = [p.detach().clone() for p in state.network.parameters()]
    with pytest.raises(DivergedError, match="At step 1, a gradient is not"):
        run(replace(TINY, sets=1, queries=9, pool=17, pool_of="all", epochs=1.0, consistency_weight=1.0), state,
            callbacks=Callbacks(save=lambda s, must: saved.append(must)))
    assert saved == [True]
    assert all(torch.equal(a, b) for a, b in zip(before, state.network.parameters(), strict=True))


def test_a_time_limit_needs_a_plan_and_ends_with_it() -> None:
    timed = replace(TINY, epochs=None, time_limit=10.0)
    with pytest.raises(UsageError, match="TimePlan"):
        run(timed)
    now = iter(np.arange(0.0, 100.0, 0.1).tolist())
    records: list[Record] = []
    state = run(timed, plan=TimePlan(10.0, 1.0, 0.0, clock=lambda: next(now)), callbacks=Callbacks(on_record=records.append))
    assert 85 <= state.step <= 91
    assert records[-1]["step"] == state.step == state.total


def test_a_timed_run_interrupted_once_its_length_is_known_needs_no_clock_to_go_on() -> None:
    timed = replace(TINY, epochs=None, time_limit=4.0)

    def plan() -> TimePlan:
        now = iter(np.arange(0.0, 100.0, 0.1).tolist())
        return TimePlan(4.0, 1.0, 0.0, clock=lambda: next(now))

    whole, broken = run(timed, plan=plan()), fresh(timed)
    with pytest.raises(InterruptedRunError):
        run(timed, broken, plan=plan(), callbacks=Callbacks(stop=lambda: broken.step == 26))
    run(timed, broken)
    assert_identical(broken, whole)
