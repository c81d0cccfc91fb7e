"""How a run stops: interrupted and resumed bit for bit, diverged, or out of time."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from ilk.errors import DivergedError, InterruptedRunError, UsageError
from ilk.training import Callbacks, Record, TimePlan, TrainingState
from tests.training.tiny_run import assert_identical, fresh, run, tiny


@pytest.mark.parametrize("stop_after", [1, 5, 9])
def test_an_interrupted_run_goes_on_bit_for_bit(stop_after: int) -> None:
    """Through JSON and clones, into a fresh state of another seed; records fall due every second step."""
    whole = run()
    broken, saved = fresh(), []

    def save(state: TrainingState, must: bool) -> None:
        if must:
            tensors = {name: tensor.clone() for name, tensor in state.tensors().items()}
            saved.append((tensors, json.loads(json.dumps(state.metadata()))))

    with pytest.raises(InterruptedRunError, match=f"after step {stop_after};"):
        run(state=broken, callbacks=Callbacks(save=save, stop=lambda: broken.step == stop_after))
    assert len(saved) == 1
    assert saved[0][1]["step"] == stop_after

    again = fresh(weights=77)
    again.restore(*saved[0])
    assert_identical(again, broken)
    run(state=again)
    assert_identical(again, whole)
    assert again.step == 12


def test_restoring_forgets_what_came_after_the_saved_state() -> None:
    state = fresh()
    start = {name: tensor.clone() for name, tensor in state.tensors().items()}, copy.deepcopy(state.metadata())
    run(state=state)
    state.restore(*start)
    run(state=state)
    assert_identical(state, run())


def test_stopping_at_the_last_step_is_finishing() -> None:
    state = fresh()
    run(state=state, callbacks=Callbacks(stop=lambda: state.step == 12))
    assert state.step == state.total == 12


def test_a_learning_rate_beyond_reason_is_divergence_with_its_step() -> None:
    state = fresh(tiny(learning_rate=1e20))
    saved: list[int] = []
    with pytest.raises(DivergedError, match=r"At step \d+, .*smaller learning rate") as caught:
        run(tiny(learning_rate=1e20), state, callbacks=Callbacks(save=lambda s, must: saved.append(s.step)))
    assert f"At step {state.step}," in str(caught.value)
    assert set(saved) <= set(range(1, state.step + 1))


def test_weights_that_are_no_numbers_are_divergence_and_are_not_saved() -> None:
    state, saved = fresh(), list[bool]()

    def poison(step: int, total: int | None) -> None:
        if step == 4:
            next(state.network.parameters()).data.fill_(float("nan"))

    def save(_: TrainingState, must: bool) -> None:
        if must:
            saved.append(must)

    with pytest.raises(DivergedError, match="At step 9, the loss is not a finite number"):
        run(state=state, callbacks=Callbacks(on_step=poison, save=save))
    assert saved == []
    assert state.step == 9


def test_a_time_limit_needs_a_plan_and_ends_with_it() -> None:
    timed = tiny(epochs=None, time_limit=10.0)
    with pytest.raises(UsageError, match="TimePlan"):
        run(timed)
    now = iter(np.arange(0.0, 100.0, 0.1).tolist())
    records: list[Record] = []
    state = run(
        timed, plan=TimePlan(10.0, 1.0, 0.0, clock=lambda: next(now)), callbacks=Callbacks(on_record=records.append)
    )
    assert 85 <= state.step <= 91
    assert records[-1]["step"] == state.step == state.total


def test_a_timed_run_interrupted_once_its_length_is_known_needs_no_clock_to_go_on() -> None:
    timed = tiny(epochs=None, time_limit=4.0)

    def plan() -> TimePlan:
        now = iter(np.arange(0.0, 100.0, 0.1).tolist())
        return TimePlan(4.0, 1.0, 0.0, clock=lambda: next(now))

    whole, broken = run(timed, plan=plan()), fresh(timed)
    with pytest.raises(InterruptedRunError):
        run(timed, broken, plan=plan(), callbacks=Callbacks(stop=lambda: broken.step == 26))
    run(timed, broken)
    assert_identical(broken, whole)
