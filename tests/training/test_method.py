"""The seam between the loop and a method: when each of its functions is called, and with what."""

from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from torch import nn

from ilk.methods import METHODS
from ilk.sampling import Sampler
from ilk.training import Batch, Callbacks, Method, Moment, Settings, Term, Update, train
from ilk.training.loop import set_rates
from tests.training.toy_method import Chosen, Toy, toy_state

SHORT = Settings(epochs=1.0, learning_rate=0.1, warmup_steps=0, averaging=0.9, precision="float32")  # 4 steps


def test_progress_is_the_share_of_the_run_that_is_done() -> None:
    moments = [Moment(step, total, 0, "float32", nn.Identity()) for step, total in ((0, 8), (2, 8), (8, 8), (5, None))]
    assert [moment.progress for moment in moments] == [0.0, 0.25, 1.0, 0.0]
    with pytest.raises(FrozenInstanceError):
        moments[0].step = 1  # type: ignore[misc]


def test_an_update_steps_the_main_optimizer_and_a_term_counts_once_unless_they_say_otherwise() -> None:
    update = Update({"any": Term(torch.ones(()))})
    assert (update.optimizer, update.terms["any"].weight) == ("main", 1.0)


def test_a_method_is_recognized_by_what_it_has() -> None:
    toy = Toy(SHORT)
    assert isinstance(toy, Method)
    assert isinstance(Chosen(torch.zeros(2, dtype=torch.int64)), Batch)
    assert not isinstance(object(), Batch)
    assert isinstance(Sampler(torch.tensor([0, 1])).step(0), Batch)


def test_what_a_method_need_not_have_does_nothing() -> None:
    class Least(Toy):
        prepare, refresh, tensors, restore = Method.prepare, Method.refresh, Method.tensors, Method.restore

    least = Least(SHORT)
    moment = Moment(0, 4, 0, "float32", nn.Identity())
    assert least.tensors() == {}
    assert least.prepare(moment, lambda sentence: None) is least.refresh(moment) is least.restore({}) is None


def test_each_step_is_refreshed_drawn_and_taken_in_this_order_and_prepared_once() -> None:
    toy, state = toy_state(SHORT)
    said: list[str] = []
    train(state, SHORT, callbacks=Callbacks(say=said.append))
    steps = [(what, step) for step in range(4) for what in ("refresh", "draw", "updates")]
    assert toy.called == [("prepare", 0), *steps]
    assert said == ["ready"]
    toy.called.clear()
    train(state, replace(SHORT, epochs=1.25))  # goes on
    assert toy.called == [("prepare", 4), *[(what, 4) for what in ("refresh", "draw", "updates")]]


def test_a_moment_tells_the_step_the_length_and_the_averaged_network() -> None:
    seen: list[Moment] = []

    class Asking(Toy):
        def refresh(self, moment: Moment) -> None:
            seen.append(moment)

    _, state = toy_state(SHORT)
    state.method = Asking(SHORT)
    train(state, SHORT)
    assert [(moment.step, moment.total, moment.halvings) for moment in seen] == [(n, 4, 0) for n in range(4)]
    assert all(moment.average is state.average and not moment.average.training for moment in seen)
    assert {moment.precision for moment in seen} == {"float32"}


def test_only_the_main_network_is_averaged() -> None:
    _, state = toy_state(SHORT)
    train(state, SHORT)
    names = {name.partition(".")[2] for name in state.tensors() if name.startswith("average.")}
    assert names == set(state.method.networks["main"].state_dict())


def test_a_term_of_any_name_is_recorded_and_comes_through_a_checkpoint() -> None:
    toy, state = toy_state(SHORT)
    heard: list[dict[str, float]] = []
    kept: list[dict] = []
    callbacks = Callbacks(on_record=heard.append, save=lambda now, must: kept.append(now.metadata()))
    train(state, SHORT, callbacks=callbacks)
    assert [set(record) for record in heard] == [{"epoch", "step", "pull", "critic_error"}] * len(heard)
    assert [curve.name for curve in toy.curves] == ["pull", "critic_error"]
    assert all(math.isfinite(value) for record in heard for value in record.values())
    assert json.loads(json.dumps(kept[-1]))["history"] == heard


def test_a_plateau_is_one_of_the_first_curve_whatever_its_name() -> None:
    settings = replace(SHORT, epochs=25.0, schedule="plateau", patience=2)
    _, state = toy_state(settings)
    state.total = 100
    rates = {}
    for name, other in (("pull", "critic_error"), ("critic_error", "pull")):
        state.history = [{name: 1.0, other: 1.0 / number} for number in (1, 2, 3)]
        set_rates(state, settings)
        rates[name] = [optimizer.param_groups[0]["lr"] for optimizer in state.method.optimizers.values()]
    assert rates["pull"] == pytest.approx([0.01, 0.001])
    assert rates["critic_error"] == pytest.approx([0.1, 0.01])


def test_each_optimizer_s_rate_is_in_proportion_to_its_own_highest() -> None:
    settings = replace(SHORT, schedule="cosine", epochs=4.0)
    _, state = toy_state(settings)
    state.total, state.step = 16, 8
    state.method.optimizers["critic"].param_groups[0]["initial_lr"] = 0.004  # as a method may lower that of a group
    set_rates(state, settings)
    rates = [optimizer.param_groups[0]["lr"] for optimizer in state.method.optimizers.values()]
    assert rates == pytest.approx([0.05, 0.002])


@pytest.mark.parametrize("kind", METHODS.values())
def test_the_curves_of_a_method_have_names_of_their_own(kind: type) -> None:
    names = [curve.name for curve in kind.curves]
    assert len(set(names)) == len(names) > 0
    taken = {"epoch", "step", "own_error", "spread", "effective_rank", "largest_share", "largest_class"}
    assert not taken & set(names)
    assert all(curve.title and curve.meaning for curve in kind.curves)
