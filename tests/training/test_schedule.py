"""How rates move along a run, and how a time limit becomes a number of steps."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest

from ilk.training import Settings, TimePlan
from ilk.training.schedule import (
    LEAST_RECORDS,
    MOST_RECORDS,
    learning_rate,
    plateaus,
    record_interval,
)

COSINE = Settings(epochs=1.0, learning_rate=0.1, schedule="cosine", warmup_steps=100)
STEPS = replace(COSINE, schedule="steps", warmup_steps=0)


@pytest.mark.parametrize("total", [1, 7, 100, 5000])
@pytest.mark.parametrize("settings", [COSINE, STEPS, replace(STEPS, warmup_steps=100)])
def test_the_rate_is_never_0_and_never_above_the_highest(settings: Settings, total: int) -> None:
    rates = [learning_rate(settings, 0.1, step, total) for step in range(total)]
    assert all(0 < rate <= 0.1 for rate in rates)


@pytest.mark.parametrize("settings", [COSINE, STEPS, replace(COSINE, schedule="plateau")])
@pytest.mark.parametrize("total", [None, 100])
def test_the_rate_is_in_proportion_to_the_highest_of_its_parameters(settings: Settings, total: int | None) -> None:
    for step in (0, 30, 60, 99):
        rates = [learning_rate(settings, highest, step, total, (2.0, 1.0)) for highest in (0.1, 0.003)]
        assert rates[1] == pytest.approx(0.03 * rates[0])


def test_warm_up_is_linear_and_then_the_cosine_falls_to_nearly_0() -> None:
    rates = [learning_rate(COSINE, 0.1, step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(0.001)
    assert rates[49] == pytest.approx(0.05, rel=0.01)
    assert max(rates) == rates[99]
    assert rates[500] == pytest.approx(0.05)
    assert all(a > b for a, b in itertools.pairwise(rates[99:]))
    assert rates[-1] < 1e-6


def test_warm_up_takes_at_most_a_fifth_of_a_short_run() -> None:
    rates = [learning_rate(COSINE, 0.1, step, 10) for step in range(10)]
    assert rates[0] < rates[1] > rates[2]
    assert rates[1] == pytest.approx(0.1 * 0.5 * (1 + math.cos(math.pi / 10)))


@pytest.mark.parametrize("total", [3, 90, 1875 * 90, 99_999])
def test_the_paper_s_rate_is_divided_by_10_after_each_third(total: int) -> None:
    third = total // 3
    edges = [0, third - 1, third, 2 * third - 1, 2 * third, total - 1]
    expected = [0.1, 0.1, 0.01, 0.01, 0.001, 0.001]
    assert [learning_rate(STEPS, 0.1, step, total) for step in edges] == pytest.approx(expected)


def test_an_unknown_length_holds_the_rate_after_warm_up() -> None:
    assert learning_rate(COSINE, 0.1, 0, None) == pytest.approx(0.001)
    assert learning_rate(COSINE, 0.1, 5000, None) == pytest.approx(0.1)


@pytest.mark.parametrize("steps_per_epoch", [1, 3, 20, 1875])
@pytest.mark.parametrize("total", [1, 5, 11, 100, 999, 20_000, 168_750])
def test_records_are_neither_too_few_nor_too_many(total: int, steps_per_epoch: int) -> None:
    interval = record_interval(total, steps_per_epoch)
    records = math.ceil(total / interval)
    assert interval >= 1
    assert records <= 1.5 * MOST_RECORDS + 1
    assert records >= min(total, LEAST_RECORDS // 2)
    if steps_per_epoch <= total / LEAST_RECORDS:
        assert interval % steps_per_epoch == 0  # whole epochs
        assert records >= LEAST_RECORDS


def simulate(plan: TimePlan, clock: list[float], seconds: list[float], last: float) -> tuple[int, list[int]]:
    """Run as the loop does, step i taking seconds[i] (then `last`); the steps made, and the totals said on the way."""
    step, total, said = 0, None, []
    while total is None or step < total:
        total = plan.total(step, total)
        if total is not None:
            said.append(total)
        clock[0] += seconds[step] if step < len(seconds) else last
        step += 1
    return step, said


def a_plan(limit: float, reserve: float = 0.0, started: float = 0.0) -> tuple[TimePlan, list[float]]:
    clock = [started]
    return TimePlan(limit, reserve, started, clock=lambda: clock[0]), clock


@pytest.mark.parametrize("seconds", [0.01, 0.1, 1.0, 2.5])
@pytest.mark.parametrize("started", [0.0, 5000.0])
def test_a_steady_machine_fills_its_time_and_no_more(seconds: float, started: float) -> None:
    plan, clock = a_plan(100.0, 8.0, started)
    _, said = simulate(plan, clock, [], seconds)
    assert 92 - 2 * seconds - 0.5 <= clock[0] - started <= 92 + seconds
    assert len(set(said)) == 1


def test_slow_first_steps_do_not_spoil_the_measure() -> None:
    plan, clock = a_plan(60.0)
    simulate(plan, clock, [2.0, 1.0, 0.5], 0.05)
    assert 55 <= clock[0] <= 60.1


def test_time_spent_before_the_first_step_counts() -> None:
    plan, clock = a_plan(100.0, 8.0)
    clock[0] = 70.0
    simulate(plan, clock, [], 0.1)
    assert 85 <= clock[0] <= 92.2


def test_a_machine_that_becomes_slower_shortens_the_run() -> None:
    plan, clock = a_plan(100.0)
    _, said = simulate(plan, clock, [0.1] * 400, 0.3)
    assert all(a >= b for a, b in itertools.pairwise(said))
    assert said[-1] < said[0]
    assert clock[0] <= 110


def test_a_measure_on_a_busy_machine_is_mended_by_the_second_look() -> None:
    plan, clock = a_plan(100.0)
    _, said = simulate(plan, clock, [0.1] * 105, 0.02)
    assert len(set(said)) == 2
    assert 95 <= clock[0] <= 100.1


def test_after_the_second_look_a_faster_machine_changes_nothing() -> None:
    plan, clock = a_plan(100.0)
    steps, said = simulate(plan, clock, [0.1] * 500, 0.02)
    assert set(said) == {steps}


def test_a_passing_hiccup_within_the_tolerance_changes_nothing() -> None:
    plan, clock = a_plan(100.0)
    _, said = simulate(plan, clock, [0.1] * 300 + [0.3], 0.1)
    assert len(set(said)) == 1


def test_figures_taken_now_and_then_do_not_pass_for_a_slow_machine() -> None:
    """One step in a hundred takes 20 times as long: the run still fills its time."""
    plan, clock = a_plan(100.0)
    simulate(plan, clock, [1.0 if step % 100 == 99 else 0.05 for step in range(3000)], 0.05)
    assert 95 <= clock[0] <= 106


@pytest.mark.parametrize("seconds", [15.0, 40.0])
def test_very_slow_steps_still_end_soon_after_the_limit(seconds: float) -> None:
    plan, clock = a_plan(20.0)
    steps, _ = simulate(plan, clock, [], seconds)
    assert clock[0] <= 20 + 2 * seconds
    assert steps <= 3


def test_a_reserve_beyond_the_limit_leaves_one_more_step() -> None:
    plan, clock = a_plan(5.0, reserve=50.0)
    simulate(plan, clock, [], 0.1)
    assert clock[0] < 5


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([], 0),
        ([3, 2, 1], 0),
        ([3, 3], 0),
        ([3, 3, 3], 1),
        ([3, 4, 2, 5, 6], 1),
        ([3, 4, 2, 5, 1, 6], 0),
        ([3, 3, 3, 3, 3], 2),
        ([3, 3, 3, 3, 2, 2, 2], 2),
        ([1, 2, 3, 2, 1], 2),  # lower than before is not lower than ever
    ],
)
def test_a_plateau_is_two_records_without_a_new_lowest(losses: list[int], expected: int) -> None:
    assert plateaus([float(loss) for loss in losses], patience=2) == expected


def test_the_rate_falls_to_a_tenth_with_each_plateau_and_depends_on_the_records_alone() -> None:
    settings = Settings(epochs=1.0, schedule="plateau", patience=2, learning_rate=0.01, warmup_steps=0)
    losses = (3.0, 2.0, 2.0, 2.5, 1.0, 1.0, 1.0)
    rates = [learning_rate(settings, 0.01, 10, 100, losses[:n]) for n in range(len(losses) + 1)]
    assert rates == pytest.approx([0.01] * 4 + [0.001] * 3 + [0.0001])
    assert learning_rate(settings, 0.01, 99, 100, []) == 0.01
