"""The number of threads by pace: close to the best on machines of every kind, and no reason to change is no change."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from ilk.training.threads import SECONDS, ThreadChooser, candidates

Machine = Callable[[int, int, random.Random], float]
"""Seconds of a step, by the number of threads and the step's own number."""


def played(machine: Machine, counts: list[int], steps: int, seed: int = 0) -> tuple[list[int], float]:
    """The threads of each step, and the seconds of all."""
    chooser, draw = ThreadChooser(counts), random.Random(seed)
    used: list[int] = []
    spent = 0.0
    while len(used) < steps:
        count, length = chooser.next()
        seconds = [machine(count, len(used) + i, draw) for i in range(length)]
        chooser.add(seconds)
        used += [count] * length
        spent += sum(seconds)
    return used[:steps], spent * steps / len(used)


def steady(count: int, step: int, draw: random.Random) -> float:
    return {1: 0.10, 2: 0.07}[count] * draw.uniform(0.9, 1.2)


def shared(count: int, step: int, draw: random.Random) -> float:
    """Beside another program, two threads are sometimes faster and mostly ten times slower."""
    if count == 1:
        return 0.12 * draw.uniform(0.8, 1.3)
    return 0.1 if draw.random() < 0.1 else 1.37 * draw.uniform(0.9, 1.1)


def jumping(count: int, step: int, draw: random.Random) -> float:
    if count == 1:
        return 0.12 * draw.uniform(0.8, 1.3)
    return 2.0 if draw.random() < 0.1 else draw.uniform(0.134, 0.27)


def many(count: int, step: int, draw: random.Random) -> float:
    return (0.8 / count + 0.005 * count + 0.02) * draw.uniform(0.9, 1.2)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("machine", "counts"), [(steady, [1, 2]), (shared, [1, 2]), (jumping, [1, 2]), (many, candidates(64))]
)
def test_a_long_run_takes_no_tenth_more_than_the_best_count(machine: Machine, counts: list[int], seed: int) -> None:
    _, seconds = played(machine, counts, 3000, seed)
    draw = random.Random(seed)
    best = min(sum(machine(count, step, draw) for step in range(3000)) for count in counts)
    assert seconds <= 1.1 * best


@pytest.mark.parametrize("seed", range(5))
def test_a_short_run_beside_another_program_takes_less_than_twice_the_best(seed: int) -> None:
    _, seconds = played(shared, [1, 2], 94, seed)
    draw = random.Random(seed)
    assert seconds < 2 * sum(shared(1, step, draw) for step in range(94))


def test_a_busy_moment_in_the_first_look_does_not_decide() -> None:
    def machine(count: int, step: int, draw: random.Random) -> float:
        return steady(count, step, draw) * (2.5 if step < 4 else 1)

    used, _ = played(machine, [1, 2], 40)
    assert used[30:] == [2] * 10


def test_another_program_that_comes_and_goes_is_followed() -> None:
    def machine(count: int, step: int, draw: random.Random) -> float:
        return (steady if not 400 <= step < 800 else shared)(count, step, draw)

    used, _ = played(machine, [1, 2], 1600)
    assert used[300:400].count(2) > 80
    assert used[450:800].count(1) > 300
    assert used[1100:].count(2) > 400


def test_costlier_steps_alone_change_no_count() -> None:
    def machine(count: int, step: int, draw: random.Random) -> float:
        return steady(count, step, draw) * (1 if step < 200 else 2.5)

    used, _ = played(machine, [1, 2], 600)
    assert used.count(1) < 60
    assert used[-100:].count(2) > 80


def test_counts_that_are_equally_fast_stay() -> None:
    used, _ = played(lambda count, step, draw: 0.1 + 0.001 * count, [1, 2, 4], 500)
    assert used[-1] == 4


def test_one_core_leaves_nothing_to_choose() -> None:
    assert candidates(1) == [1]
    assert set(played(lambda count, step, draw: 0.1 * (1 + step % 7), [1], 300)[0]) == {1}


def test_the_powers_of_two_and_all_are_candidates() -> None:
    assert [candidates(most) for most in (2, 3, 4, 6, 16)] == [
        [1, 2],
        [1, 2, 3],
        [1, 2, 4],
        [1, 2, 4, 6],
        [1, 2, 4, 8, 16],
    ]


def test_an_answer_holds_for_about_as_long_whatever_a_step_takes() -> None:
    for second in (0.005, 0.02, 0.1):
        chooser = ThreadChooser([1, 2])
        for _ in range(6):
            chooser.add([second] * chooser.next()[1])
        assert chooser.next()[1] * second == pytest.approx(SECONDS, rel=0.1)
