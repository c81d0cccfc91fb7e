"""Frozen layers stay as they are, to the bit; the others train; a state knows before its first step who watches."""

from __future__ import annotations

import torch

from ilk.networks import build
from ilk.networks.layers import layers_up_to
from ilk.training import Callbacks, TrainingState
from tests.training.tiny_run import SIDE, TINY, Tiny, assert_identical, fresh, method, run, tiny


def frozen_to(name: str, case: Tiny = TINY) -> TrainingState:
    network = build("neighbor-mnist", channels=1, seed=case.settings.seed)
    frozen = layers_up_to(network, name, (1, SIDE, SIDE))
    return TrainingState(method(case, network=network), case.settings, frozen)


def test_frozen_layers_and_their_figures_stay_and_no_gradient_is_computed_for_them() -> None:
    before = fresh().network.state_dict()
    state = run(state=frozen_to("features.6"))  # the second convolution's batch-norm
    for network in (state.network, state.average):
        for name, value in network.state_dict().items():
            frozen = int(name.split(".")[1]) <= 6
            assert torch.equal(value, before[name]) == frozen, name
    for name, parameter in state.network.named_parameters():
        assert (parameter.grad is None) == (int(name.split(".")[1]) <= 6)
    assert not any(name.startswith("optimizers.main.momentum_buffer.main.features.0") for name in state.tensors())
    assert any(name.startswith("optimizers.main.momentum_buffer.main.features.9") for name in state.tensors())


def test_a_frozen_run_repeats_itself() -> None:
    short = tiny(epochs=1.0)
    assert_identical(run(short, frozen_to("features.3", short)), run(short, frozen_to("features.3", short)))


def test_the_state_is_seen_before_the_first_step_and_after_each_before_it_is_saved() -> None:
    heard: list[object] = []
    short = tiny(epochs=1.0)
    callbacks = Callbacks(
        on_state=lambda state: heard.append(state.step), save=lambda state, must: heard.append(f"saved {state.step}")
    )
    state = fresh(short)
    run(short, state, callbacks=callbacks)
    assert heard == [0, 1, "saved 1", 2, "saved 2", 3, "saved 3"]
    heard.clear()
    longer = tiny(epochs=4 / 3)
    run(longer, state, callbacks=callbacks)  # a resumed run has no first step
    assert heard == [4, "saved 4"]
