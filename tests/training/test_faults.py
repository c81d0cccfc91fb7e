"""A step that meets a number that is not finite changes nothing and is counted; without memory the batch is halved."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ilk.errors import DivergedError, InterruptedRunError, ResourceError
from ilk.methods import NeighborMethod, neighbor
from ilk.sampling import Batch
from ilk.training import Callbacks, Moment, TimePlan, TrainingState
from ilk.training.faults import MOST_HALVINGS, MOST_SKIPPED, is_out_of_memory
from tests.training.tiny_run import TINY, assert_identical, fresh, run, tiny

NAN = float("nan")
Saved = tuple[dict[str, Tensor], dict]


def copied(state: TrainingState) -> Saved:
    return {name: tensor.clone() for name, tensor in state.tensors().items()}, json.loads(json.dumps(state.metadata()))


def in_loss(patch: pytest.MonkeyPatch, state: TrainingState, bad: Callable[[int], bool]) -> None:
    real = NeighborMethod.terms

    def terms(method: NeighborMethod, batch: Batch, moment: Moment) -> dict[str, Tensor]:
        found = real(method, batch, moment)
        return found | {"labeled": found["labeled"] * (NAN if bad(moment.step) else 1.0)}

    patch.setattr(NeighborMethod, "terms", terms)


def in_gradient(patch: pytest.MonkeyPatch, state: TrainingState, bad: Callable[[int], bool]) -> None:
    weights = next(state.network.parameters())
    weights.register_hook(lambda gradient: gradient * float("inf") if bad(state.step) else gradient)


def in_input(patch: pytest.MonkeyPatch, state: TrainingState, bad: Callable[[int], bool]) -> None:
    real = neighbor.as_input

    def as_input(images: Tensor) -> Tensor:
        made = real(images)
        if bad(state.step):
            made[0, 0, 3, 3] = NAN
        return made

    patch.setattr(neighbor, "as_input", as_input)


PLACES = (in_loss, in_gradient, in_input)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", [1, 10, pytest.param(1000, marks=pytest.mark.slow)])
def test_one_bad_step_is_as_if_it_had_not_been_taken(
    place: Callable, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not "cosine": its last steps are too short to change a weight of 32 bits.
    case = tiny(epochs=(number + 2) / 3, learning_rate=0.01, schedule="steps")
    state, seen, heard = fresh(case), dict[int, Saved](), list[tuple[int, str]]()
    place(monkeypatch, state, lambda step: step == number - 1)
    callbacks = Callbacks(
        on_state=lambda now: seen.update({now.step: copied(now)}) if abs(now.step - number) < 2 else None,
        on_skip=lambda now, step, what: heard.append((now.step, what)),
    )
    run(case, state, callbacks=callbacks)
    before, after, next_one = (seen[n][0] for n in (number - 1, number, number + 1))
    assert before.keys() == after.keys()
    assert [name for name in before if not torch.equal(before[name], after[name])] == []
    assert not torch.equal(after["networks.main.features.0.weight"], next_one["networks.main.features.0.weight"])
    assert heard == [(number, "a gradient" if place is in_gradient else "the loss")]
    assert (state.skipped, state.in_a_row, state.step) == (1, 0, number + 2)
    assert state.is_finite()
    assert all(torch.tensor(list(record.values())).isfinite().all() for record in state.history)


@pytest.mark.parametrize("stop_after", [3, 5, 6, 8])
def test_a_run_with_skipped_steps_goes_on_bit_for_bit(stop_after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = {4, 5, 7}.__contains__
    with monkeypatch.context() as patch:
        in_loss(patch, whole := fresh(), bad)
        run(state=whole)
        broken, saved = fresh(), list[Saved]()
        callbacks = Callbacks(
            save=lambda state, must: saved.append(copied(state)) if must else None,
            stop=lambda: broken.step == stop_after,
        )
        with pytest.raises(InterruptedRunError):
            run(state=broken, callbacks=callbacks)
        again = fresh(weights=77)
        again.restore(*saved[0])
        run(state=again)
    assert_identical(again, whole)
    assert whole.skipped == 3


@pytest.mark.parametrize("place", PLACES)
def test_five_bad_steps_in_a_row_end_the_run_and_the_state_before_them_is_kept(
    place: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, saved, batches = fresh(), list[Saved](), list[Batch]()
    callbacks = Callbacks(
        save=lambda now, must: saved.append(copied(now)) if must else None,
        on_skip=lambda now, step, what: batches.append(step),
    )
    with monkeypatch.context() as patch:
        place(patch, state, lambda step: step >= 3)
        with pytest.raises(DivergedError, match=r"At step 8, .* for the 5th step in a row.*smaller learning rate"):
            run(state=state, callbacks=callbacks)
    assert len(batches) == MOST_SKIPPED
    assert len(saved) == 1
    tensors, kept = saved[0]
    three = fresh()
    with pytest.raises(InterruptedRunError):
        run(state=three, callbacks=Callbacks(stop=lambda: three.step == 3))
    assert [name for name, tensor in three.tensors().items() if not torch.equal(tensors[name], tensor)] == []
    assert (kept["step"], kept["skipped"]) == (8, 5)
    goes_on = fresh()
    goes_on.restore(tensors, kept)
    run(state=goes_on)  # the cause has gone
    assert (goes_on.step, goes_on.skipped, goes_on.in_a_row) == (12, 5, 0)
    assert [r["step"] for r in goes_on.history] == [2, 4, 10, 12]


def test_a_resumed_run_goes_on_counting_the_steps_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    in_loss(monkeypatch, state := fresh(), lambda step: step >= 3)
    saved = list[Saved]()
    callbacks = Callbacks(
        save=lambda now, must: saved.append(copied(now)) if must else None, stop=lambda: state.step == 6
    )
    with pytest.raises(InterruptedRunError):
        run(state=state, callbacks=callbacks)
    again = fresh()
    again.restore(*saved[0])
    with pytest.raises(DivergedError, match=r"At step 8, .* for the 5th step in a row"):
        run(state=again)


def test_four_in_a_row_are_not_five(monkeypatch: pytest.MonkeyPatch) -> None:
    in_loss(monkeypatch, state := fresh(), {1, 2, 3, 4, 6, 7, 8, 9}.__contains__)
    assert run(state=state).skipped == 8


def test_a_run_of_which_no_step_could_be_taken_is_divergence(monkeypatch: pytest.MonkeyPatch) -> None:
    short = tiny(epochs=2 / 3)
    in_loss(monkeypatch, state := fresh(short), lambda step: True)
    saved: list[bool] = []
    with pytest.raises(DivergedError, match="At step 2"):
        run(short, state, callbacks=Callbacks(save=lambda now, must: saved.append(must)))
    assert state.history == []
    assert saved == [False]


def without_memory(patch: pytest.MonkeyPatch, error: BaseException, enough: int, since: int = 0) -> None:
    """From step `since` on, a joint forward pass of more than `enough` images fails, after it has moved batch-norm."""
    real = NeighborMethod.terms

    def terms(method: NeighborMethod, batch: Batch, moment: Moment) -> dict[str, Tensor]:
        found = real(method, batch, moment)
        images = batch.references.numel() + len(batch.queries) + 2 * len(batch.pool)
        if moment.step >= since and images > enough:
            raise error
        return found

    patch.setattr(NeighborMethod, "terms", terms)


ERRORS = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8000000 bytes."),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_without_memory_from_the_start_the_run_is_that_of_half_the_batch(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_memory(monkeypatch, error, enough=30)  # 6 + 9 + 32 are too many, 3 + 4 + 16 are not
    state, heard = fresh(), list[tuple[int, int]]()
    run(state=state, callbacks=Callbacks(on_halved=lambda now: heard.append((now.step, now.halvings))))
    assert heard == [(0, 1)]
    half = run(tiny(sets=1, queries=4, pool=8))
    half.halvings = 1
    assert_identical(state, half)


def test_without_memory_on_the_way_the_passes_stay_as_many_and_a_resumed_run_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_memory(monkeypatch, MemoryError(), enough=30, since=4)
    whole = run()
    # 60 images: 3 steps of 16 or 7 of 8 to a pass; 4 of 12 steps are as far as 9 of 28.
    assert (whole.halvings, whole.step, whole.total) == (1, 28, 28)
    assert whole.history[-1]["epoch"] == pytest.approx(TINY.settings.epochs)
    assert [r["epoch"] for r in whole.history] == sorted(r["epoch"] for r in whole.history)
    broken, saved = fresh(), list[Saved]()
    callbacks = Callbacks(
        save=lambda state, must: saved.append(copied(state)) if must else None, stop=lambda: broken.step == 15
    )
    with pytest.raises(InterruptedRunError):
        run(state=broken, callbacks=callbacks)
    again = fresh()
    again.restore(*saved[0])
    run(state=again)
    assert_identical(again, whole)


def test_a_timed_run_measures_its_steps_again(monkeypatch: pytest.MonkeyPatch) -> None:
    without_memory(monkeypatch, MemoryError(), enough=30, since=15)
    timed, now = tiny(epochs=None, time_limit=10.0), [0.0]

    def clock() -> float:
        now[0] += 0.1
        return now[0]

    ends: list[float] = []

    def on_step(step: int, total: int | None) -> None:
        if step > 30 and total is not None:  # 15 steps of 16 images are 35 of 8
            ends.append(now[0] + 0.1 * (total - step))

    state = run(timed, plan=TimePlan(10.0, 1.0, 0.0, clock=clock), callbacks=Callbacks(on_step=on_step))
    assert state.halvings == 1
    assert state.step == state.total
    assert max(abs(end - 9.0) for end in ends) < 0.3


def test_after_three_halvings_it_is_out_of_memory_and_the_state_before_the_step_is_saved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    without_memory(monkeypatch, MemoryError(), enough=0, since=2)
    state, saved = fresh(), list[Saved]()
    with pytest.raises(ResourceError, match=r"halved 3 times.*smaller") as caught:
        run(state=state, callbacks=Callbacks(save=lambda now, must: saved.append(copied(now)) if must else None))
    assert f"at step {state.step + 1}," in str(caught.value)
    assert state.halvings == MOST_HALVINGS
    two = fresh()
    with pytest.raises(InterruptedRunError):
        run(state=two, callbacks=Callbacks(stop=lambda: two.step == 2))
    for name, tensor in saved[0][0].items():
        assert torch.equal(tensor, two.tensors()[name]), name


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_is_out_of_memory(error: BaseException) -> None:
    assert is_out_of_memory(error)
    assert not is_out_of_memory(ValueError(str(error)))


@pytest.mark.parametrize("error", [RuntimeError("shapes cannot be multiplied"), ValueError("out of memory")])
def test_another_error_is_none_of_memory(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    without_memory(monkeypatch, error, enough=0)
    with pytest.raises(type(error), match=str(error)):
        run(state=(state := fresh()))
    assert state.halvings == 0


def test_stopped_at_each_epoch_in_a_row_the_order_of_the_images_is_that_of_a_run_without_a_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ten, order = tiny(epochs=10.0), list[list]()
    real = NeighborMethod.terms

    def terms(method: NeighborMethod, batch: Batch, moment: Moment) -> dict[str, Tensor]:
        order.append([part.tolist() for part in (batch.references, batch.queries, batch.pool)])
        return real(method, batch, moment)

    monkeypatch.setattr(NeighborMethod, "terms", terms)
    run(ten)
    whole, order[:] = list(order), []
    place: Saved | None = None
    for epoch in range(1, 11):
        state = fresh(ten, weights=epoch)  # nothing of an earlier life
        if place is not None:
            state.restore(*place)
        last, saved = 3 * epoch, list[Saved]()
        callbacks = Callbacks(
            save=lambda now, must, saved=saved: saved.append(copied(now)) if must else None,
            stop=lambda state=state, last=last: state.step == last,
        )
        if epoch < 10:
            with pytest.raises(InterruptedRunError):
                run(ten, state, callbacks=callbacks)
            place = saved[0]
        else:
            run(ten, state, callbacks=callbacks)
    assert order == whole
    assert len({json.dumps(images) for images in whole}) == 30
