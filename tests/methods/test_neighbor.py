"""Neighbor embedding: each step's terms are what the objectives say of one joint forward pass."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ilk.data.augmentation import random_affine
from ilk.errors import UsageError
from ilk.methods import ClassPriors, NeighborMethod, NeighborSettings, PseudoLabels, neighbor
from ilk.networks import as_input, build
from ilk.objectives import (
    adversarial_change,
    consistency,
    distance_ratio,
    log_probabilities,
    minimum_entropy,
    similar_classes,
)
from ilk.sampling import Sampler, step_generator
from ilk.training import Moment, Settings
from tests.reference import neighbor_embedding as paper
from tests.training.tiny_run import CLASSES, TINY, assert_identical, fresh, method, pictures, run, tiny

TERMS = [curve.name for curve in NeighborMethod.curves]


def at(step: int, average: nn.Module, total: int | None = 12, precision: str = "float32") -> Moment:
    return Moment(step, total, 0, precision, average)


def test_a_record_holds_the_mean_of_each_term_since_the_last_one() -> None:
    # The weights stay, so that terms can be taken again.
    still = tiny(learning_rate=1e-30, weight_decay=0.0, consistency_weight=0.0)
    history = run(still).history
    again = method(still)
    again.network.train()
    moments = [at(number, again.network) for number in (2, 3)]
    terms = [again.terms(again.draw(moment), moment) for moment in moments]
    for name in TERMS:
        assert history[1][name] == pytest.approx(sum(t[name].item() for t in terms) / 2, rel=1e-4)


def test_a_step_s_terms_are_the_objectives_of_one_joint_forward_pass() -> None:
    images, targets, _ = pictures()
    network = build("neighbor-mnist", channels=1).train()
    step, draw = Sampler(targets, sets=2, queries=9, pool=16, seed=1).step(4), step_generator(TINY.settings.seed, 4)
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
        "labeled": distance_ratio(of_queries, step.labels, step.valid_pairs),
        "entropy": minimum_entropy(of_changed),
        "consistency": consistency(taught, of_changed, 0.0),
    }
    assert expected["consistency"] > 0
    led = method(tiny(adversarial=0.1, threshold=0.0), network=build("neighbor-mnist", channels=1).train())
    found = led.terms(step, at(4, teacher))
    assert {name: term.item() for name, term in found.items()} == pytest.approx(
        {name: term.item() for name, term in expected.items()}, rel=1e-4, abs=1e-6
    )


@pytest.mark.parametrize("compared", [2, 64])  # of three classes: two thirds, or all
def test_one_step_moves_the_weights_against_the_gradient_of_the_weighted_sum(compared: int) -> None:
    plain = tiny(
        epochs=0.01,
        momentum=0.0,
        weight_decay=0.0,
        sampled_classes=compared,
        labeled_weight=0.7,
        entropy_weight=0.3,
        entropy_start=0.0,
        entropy_ramp=0.0,
        consistency_weight=0.5,
        threshold=0.0,
    )
    state, (_, targets, _) = fresh(plain), pictures()
    network = state.network.train()
    step = Sampler(targets, sets=2, queries=9, pool=16, sampled_classes=compared, seed=1).step(0)
    terms = state.method.terms(step, at(0, state.average))
    share = min(1, compared / CLASSES)
    total = paper.total(terms["labeled"], terms["entropy"], 0.7, 0.3 * share) + 0.5 * terms["consistency"]
    total.backward()
    moved = dict(run(plain).network.named_parameters())
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(moved[name], parameter - 0.05 * parameter.grad, rtol=1e-5, atol=1e-6)


def test_known_distances_between_classes_and_groups_change_the_loss() -> None:
    short = tiny(epochs=0.01)

    def first(priors: ClassPriors | None = None) -> dict[str, float]:
        return run(short, fresh(short, priors)).history[0]

    apart = torch.tensor([[0.0, 1.0, 4.0], [1.0, 0.0, 4.0], [4.0, 4.0, 0.0]])
    plain, soft = first(), first(ClassPriors(class_targets=similar_classes(apart)))
    assert soft["labeled"] != plain["labeled"]
    assert first(ClassPriors(class_targets=torch.eye(3)))["labeled"] == pytest.approx(plain["labeled"], rel=1e-5)
    grouped = first(ClassPriors(groups=torch.tensor([0, 0, 1])))
    assert 0 < grouped["entropy"] < plain["entropy"]
    one_group = first(ClassPriors(groups=torch.zeros(3, dtype=torch.int64)))
    assert one_group["entropy"] == pytest.approx(0, abs=1e-6)


def test_in_bfloat16_the_terms_are_nearly_the_same_and_everything_that_stays_is_float32() -> None:
    found = {}
    for precision in ("float32", "bfloat16"):
        state = fresh(tiny(precision=precision))
        moment = at(4, state.average, precision=state.precision)
        terms = method().terms(state.method.draw(moment), moment)
        found[precision] = [terms[name].item() for name in ("labeled", "entropy")]
        assert all(term.dtype == torch.float32 for term in terms.values())
    assert found["bfloat16"] == pytest.approx(found["float32"], rel=0.05, abs=0.02)
    assert found["bfloat16"] != found["float32"]
    state = run(tiny(precision="bfloat16", epochs=20.0))
    assert state.history[-1]["labeled"] < 0.3 * state.history[0]["labeled"]
    assert {tensor.dtype for tensor in state.tensors().values() if tensor.is_floating_point()} == {torch.float32}


def test_pseudo_labels_are_learned_up_to_their_end_and_only_where_they_are_certain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images, targets, truth = pictures()
    certain = torch.arange(len(truth)) % 2 == 0
    pseudo = PseudoLabels(torch.where(certain, truth, (truth + 1) % CLASSES), certain)
    step = Sampler(targets, sets=2, queries=9, pool=16, seed=1).step(0)
    places, counted = pseudo.of(step)
    assert torch.equal(places, pseudo.classes[step.pool])
    assert torch.equal(counted, certain[step.pool][:, None].expand(16, 2))

    network = fresh().network.train()
    points = network(as_input(images[torch.cat([step.references.flatten(), step.queries, step.pool])]))
    log_p = log_probabilities(points[15:], points[:6].view(2, 3, -1), temperature=2.0)
    own = -log_p.gather(2, truth[step.pool].view(-1, 1, 1).expand(-1, 2, 1)).squeeze(2)
    half = tiny(spread_until=0.5, entropy_weight=0.0)
    alone = method(tiny(half, augment="none"))  # nothing is changed, so nothing is drawn
    alone.network.train()
    alone.pseudo_labels = pseudo
    found = alone.terms(step, at(0, network))
    assert found["consistency"].item() == pytest.approx((own * certain[step.pool][:, None]).mean().item(), rel=1e-4)

    without = run(tiny(half, spread_share=0.0))
    monkeypatch.setattr(neighbor, "initial_pseudo_labels", lambda *given, **options: (pseudo, ""))
    learned = run(half)
    assert learned.history[0]["consistency"] > 0
    assert learned.history != without.history
    assert_identical(run(tiny(half, spread_until=0.0)), run(tiny(half, spread_until=0.0, spread_share=0.0)))


def test_nothing_teaches_in_the_first_part_of_a_run_without_pseudo_labels() -> None:
    learned = run(tiny(spread_until=0.5, spread_share=0.0, adversarial=0.07))
    taught = [record["consistency"] > 0 for record in learned.history]
    half = len(taught) // 2
    assert taught == [False] * half + [True] * half


def test_pseudo_labels_of_classes_that_a_step_does_not_compare_do_not_count() -> None:
    targets = torch.arange(8).repeat(3)
    step = Sampler(targets, sets=1, queries=2, pool=24, sampled_classes=3, seed=0).step(0)
    places, counted = PseudoLabels(targets, torch.ones(24, dtype=torch.bool)).of(step)
    inside = torch.isin(targets[step.pool], step.classes)
    assert torch.equal(counted[:, 0], inside)
    assert torch.equal(step.classes[places[inside]], targets[step.pool][inside])


@pytest.mark.parametrize(
    "setting",
    [
        {"pool": 0},
        {"augment": "none"},
        {"consistency_weight": 0.0},
        {"pool_of": "unlabeled"},
        {"sets": 5},
        {"exclude_own": False},
        {"sampled_classes": 2},
    ],
)
def test_every_setting_trains(setting: dict) -> None:
    state = run(tiny(epochs=1.0, **setting))
    assert all(np.isfinite(list(record.values())).all() for record in state.history)
    if "pool" in setting:
        assert {(r["entropy"], r["consistency"]) for r in state.history} == {(0, 0)}
    if setting.get("augment") == "none" or "consistency_weight" in setting:
        assert {r["consistency"] for r in state.history} == {0}


def settings(**values: object) -> NeighborSettings:
    """Settings made as outside the tests, where no type is checked before the settings' own check."""
    made = object.__new__(NeighborSettings)
    inspect.unwrap(NeighborSettings.__init__)(made, **values)
    return made


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_the_temperature_must_be_above_0(value: float) -> None:
    with pytest.raises(UsageError, match="temperature must be above 0, not"):
        settings(temperature=value)


@pytest.mark.parametrize("name", ["labeled_weight", "entropy_weight", "consistency_weight", "adversarial"])
@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_must_be_at_least_0(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"{name} must be at least 0, not"):
        settings(**{name: value})
    settings(**{name: 0})


@pytest.mark.parametrize(("name", "least"), [("sets", 1), ("queries", 1), ("pool", 0), ("sampled_classes", 2)])
def test_counts_have_a_least(name: str, least: int) -> None:
    settings(**{name: least})
    with pytest.raises(UsageError, match=f"{name} must be at least {least}, not {least - 1}"):
        settings(**{name: least - 1})


@pytest.mark.parametrize("name", ["entropy_start", "entropy_ramp", "threshold", "spread_share", "spread_until"])
@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_must_lie_between_0_and_1(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"{name} must lie between 0 and 1, not"):
        settings(**{name: value})


@pytest.mark.parametrize("name", ["distance", "pool_of"])
def test_an_unknown_choice_names_the_known_ones(name: str) -> None:
    known = getattr(NeighborSettings(), name)
    with pytest.raises(UsageError, match=rf"{name} is one of .*{known}.*, not 'odd'"):
        settings(**{name: "odd"})


@pytest.mark.parametrize(
    ("name", "value"), [("adversarial", "x"), ("spread_share", None), ("pool", "8"), ("sets", 2.5), ("threshold", True)]
)
def test_a_setting_of_another_type_is_refused_by_name_without_the_checker_of_the_tests(
    name: str, value: object
) -> None:
    with pytest.raises(UsageError, match=f"{name} must be of the type .*, not {value!r}"):
        settings(**{name: value})
    settings(pool=np.int64(8), threshold=np.float32(0.5))


def test_the_pool_is_changed_where_there_are_both_a_weight_and_a_change() -> None:
    assert method(tiny(adversarial=0.07)).changes_pool
    assert not method(tiny(consistency_weight=0.0)).changes_pool
    assert not method(tiny(augment="none", adversarial=0.0)).changes_pool
    assert method(tiny(augment="none", adversarial=0.07)).changes_pool
    assert not method(tiny(pool=0)).changes_pool


def test_the_temperature_is_the_network_s_unless_it_is_given() -> None:
    class Sharp:
        temperature = 0.5

    for network in (Sharp, Sharp()):
        assert NeighborSettings().for_network(network) == NeighborSettings(temperature=0.5)
        assert NeighborSettings(temperature=3.0).for_network(network).temperature_value == 3.0
    assert NeighborSettings().temperature_value == NeighborSettings().for_network(object()).temperature_value == 8.0
    assert method(tiny(temperature=None)).scale == ("squared", 8.0)
    assert method(tiny(temperature=0.5, distance="euclidean")).scale == ("euclidean", 0.5)


def test_the_page_of_settings_names_the_defaults_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", page, re.MULTILINE))
    assert len(named) >= 16
    ours = dataclasses.asdict(Settings(epochs=1.0)) | dataclasses.asdict(NeighborSettings())
    assert named == {name: str(ours[name]) for name in named}


RAMP = NeighborSettings(entropy_weight=0.1, entropy_start=0.0, entropy_ramp=0.3)


def test_the_entropy_s_weight_grows_over_its_ramp_and_then_stays() -> None:
    weights = [RAMP.entropy_weight_at(step / 1000) for step in range(1000)]
    assert weights[0] == 0
    assert weights[150] == pytest.approx(0.05)
    assert set(weights[300:]) == {0.1}
    assert all(a <= b for a, b in itertools.pairwise(weights))


def test_the_entropy_is_left_out_up_to_its_start_and_while_the_length_is_unknown() -> None:
    late = dataclasses.replace(RAMP, entropy_start=0.5)
    assert late.entropy_weight_at(0.499) == 0
    assert late.entropy_weight_at(0.65) == pytest.approx(0.05)
    assert late.entropy_weight_at(0.9) == pytest.approx(0.1)
    assert RAMP.entropy_weight_at(at(5000, nn.Identity(), None).progress) == 0


def test_without_a_ramp_the_entropy_counts_from_the_start() -> None:
    whole = dataclasses.replace(RAMP, entropy_ramp=0.0, entropy_weight=1.0)
    for total in (10, None):
        assert whole.entropy_weight_at(at(0, nn.Identity(), total).progress) == 1


def test_the_entropy_counts_by_the_share_of_compared_classes() -> None:
    assert RAMP.entropy_weight_at(0.9, 0.25) == pytest.approx(0.025)
    assert dataclasses.replace(RAMP, entropy_ramp=0.0).entropy_weight_at(0.0, 0.25) == pytest.approx(0.025)


def test_an_update_weighs_each_term_by_where_the_run_stands() -> None:
    ramped = method(
        tiny(entropy_weight=0.4, entropy_start=0.0, entropy_ramp=1.0, labeled_weight=0.7, sampled_classes=2)
    )
    ramped.network.train()
    weights = {}
    for step in (0, 6):
        moment = at(step, ramped.network)
        (update,) = ramped.updates(ramped.draw(moment), moment)
        assert list(update.terms) == TERMS
        weights[step] = [term.weight for term in update.terms.values()]
    assert weights[0] == [0.7, 0.0, 1.0]
    assert weights[6] == pytest.approx([0.7, 0.4 * 0.5 * 2 / 3, 1.0])
