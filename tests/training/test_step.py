"""A step of two updates: each is taken before the next is computed, and a fault leaves the earlier ones."""

from __future__ import annotations

import json

import pytest
import torch
from torch import Tensor

from ilk.errors import InterruptedRunError
from ilk.training import Callbacks, Settings, TrainingState, train
from ilk.training.step import take_step
from tests.training.tiny_run import assert_identical
from tests.training.toy_method import Toy, toy_state

PLAIN = Settings(epochs=2.0, learning_rate=0.1, momentum=0.0, weight_decay=0.0, warmup_steps=0, precision="float32")
EIGHT = Settings(epochs=2.0, learning_rate=0.1, warmup_steps=3, precision="float32")  # 4 steps an epoch


def one_step(state: TrainingState) -> tuple[dict[str, Tensor], str]:
    state.train_mode()
    return take_step(state, state.method.draw(state.moment), state.moment)


def copied(state: TrainingState) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in state.tensors().items()}


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    """The parts of the state that are not what they were: of parameters, buffers or an optimizer."""
    assert before.keys() <= after.keys()
    names = {name for name in after if name not in before or not torch.equal(before[name], after[name])}
    return {name.rpartition(".")[0] for name in names}


def test_the_second_update_sees_the_step_of_the_first_and_each_optimizer_moves_its_own_parameters() -> None:
    toy, state = toy_state(PLAIN)
    start = toy.weights()
    terms, fault = one_step(state)
    assert (list(terms), fault) == (["pull", "critic_error"], "")
    first, second = toy.seen
    assert all(torch.equal(start[name], first[name]) for name in start if name.startswith("critic."))
    assert not torch.equal(start["main.0.weight"], first["main.0.weight"])
    moved = {name for name in start if not torch.equal(first[name], second[name])}
    assert moved == {name for name in start if name.startswith("critic.")}


def test_two_updates_are_two_plain_steps_of_gradient_descent() -> None:
    toy, state = toy_state(PLAIN)
    by_hand = Toy(PLAIN)
    images = by_hand.images[by_hand.draw(state.moment).positions]
    main, critic = by_hand.networks["main"], by_hand.networks["critic"]
    pull = main(images).square().mean(0).sub(0.25).square().sum()
    gradients = torch.autograd.grad(2.0 * pull, list(main.parameters()))
    with torch.no_grad():
        for parameter, gradient in zip(main.parameters(), gradients, strict=True):
            parameter.sub_(0.1 * gradient)
    error = critic(main(images)).sub(1).square().mean()  # main has moved
    terms, _ = one_step(state)
    assert terms["pull"].item() == pytest.approx(pull.item(), rel=1e-6)
    assert terms["critic_error"].item() == pytest.approx(error.item(), rel=1e-6)
    for name, parameter in main.named_parameters():
        torch.testing.assert_close(toy.weights()[f"main.{name}"], parameter.detach(), rtol=1e-6, atol=1e-7)


def test_gradients_of_one_update_are_not_those_of_the_next() -> None:
    toy, state = toy_state(PLAIN)
    one_step(state)  # the second update's gradients reach the main network too
    state.step = 1
    weights = toy.weights()
    twice = toy_state(PLAIN, weights=7)[1]
    twice.restore(copied(state), state.metadata())
    for network in twice.method.networks.values():
        network.zero_grad()
    one_step(state)
    one_step(twice)
    assert changed(copied(twice), copied(state)) == set()
    assert not torch.equal(weights["main.0.weight"], toy.weights()["main.0.weight"])


def test_a_fault_in_the_second_update_leaves_the_first_and_puts_back_its_own_buffers() -> None:
    sound, whole = toy_state(EIGHT)
    toy, state = toy_state(EIGHT, bad=lambda name, step: name == "critic_error" and step == 0)
    before = copied(state)
    assert one_step(state) == ({}, "the loss")
    one_step(whole)
    after = copied(state)
    assert changed(before, after) == {
        *("networks.main.0", "networks.main.1"),
        *("optimizers.main.momentum_buffer.main.0", "optimizers.main.momentum_buffer.main.1"),
    }
    for name, weight in sound.seen[0].items():
        assert torch.equal(toy.weights()[name], weight)
    # Batch-norm of the main network saw the images twice in the sound step, once in the faulty one.
    counts = [each.tensors()["networks.main.1.num_batches_tracked"].item() for each in (state, whole)]
    assert counts == [1, 2]
    assert all(p.grad is None for network in toy.networks.values() for p in network.parameters())


def test_a_fault_in_the_first_update_ends_the_step_and_changes_nothing() -> None:
    toy, state = toy_state(EIGHT, bad=lambda name, step: name == "pull")
    before = copied(state)
    assert one_step(state) == ({}, "the loss")
    assert changed(before, copied(state)) == set()
    assert toy.seen == []


def test_a_step_of_which_the_second_update_met_a_fault_is_one_skip_and_counts_in_no_record() -> None:
    def bad(name: str, step: int) -> bool:
        return name == "critic_error" and step in (2, 5)

    toy, state = toy_state(EIGHT, bad=bad)
    heard: list[tuple[int, str, int]] = []
    callbacks = Callbacks(on_skip=lambda now, batch, what: heard.append((now.step, what, len(batch.positions))))
    train(state, EIGHT, callbacks=callbacks)
    assert heard == [(3, "the loss", 6), (6, "the loss", 6)]
    assert (state.step, state.skipped, state.in_a_row) == (8, 2, 0)
    assert len(toy.seen) == 2 * 8 - 2
    # Means of the terms of the sound steps alone: 0 would pull them down.
    assert all(record["critic_error"] > 0 for record in state.history)
    assert state.is_finite()


def test_an_error_in_the_second_update_that_is_not_of_memory_is_not_swallowed() -> None:
    def break_down(name: str, step: int) -> bool:
        if name == "critic_error":
            raise RuntimeError("shapes cannot be multiplied")
        return False

    with pytest.raises(RuntimeError, match="multiplied"):
        one_step(toy_state(EIGHT, bad=break_down)[1])


def test_without_memory_for_the_second_update_the_step_is_taken_again_with_half_the_images() -> None:
    short = [True]

    def full(name: str, step: int) -> bool:
        if name == "critic_error" and step == 1 and short.pop() if short else False:
            raise MemoryError
        return False

    toy, state = toy_state(EIGHT, bad=full)
    halved: list[int] = []
    train(state, EIGHT, callbacks=Callbacks(on_halved=lambda now: halved.append(now.step)))
    assert halved == [2]  # of twice as many steps
    assert (state.total, state.step, state.skipped) == (16, 16, 0)
    assert [call for call in toy.called if call[0] == "draw"] == [("draw", n) for n in (0, 1, *range(2, 16))]


@pytest.mark.parametrize("stop_after", [1, 3, 7])
def test_a_stopped_run_of_two_optimizers_goes_on_bit_for_bit(stop_after: int) -> None:
    whole = toy_state(EIGHT)[1]
    train(whole, EIGHT)
    broken, saved = toy_state(EIGHT)[1], []

    def save(state: TrainingState, must: bool) -> None:
        if must:
            saved.append((copied(state), json.loads(json.dumps(state.metadata()))))

    with pytest.raises(InterruptedRunError):
        train(broken, EIGHT, callbacks=Callbacks(save=save, stop=lambda: broken.step == stop_after))
    again = toy_state(EIGHT, weights=9)[1]
    again.restore(*saved[0])
    train(again, EIGHT)
    assert_identical(again, whole)
    assert {"optimizers.critic.exp_avg.critic.0.weight", "optimizers.main.momentum_buffer.main.0.weight"} <= {
        *saved[0][0]
    }
    assert saved[0][0]["method.refreshed"] == pytest.approx(0.01 * stop_after)
