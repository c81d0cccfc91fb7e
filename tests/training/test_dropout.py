"""Dropout draws from the seed and the step alone, so that a run that was stopped goes on bit for bit."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ilk.errors import InterruptedRunError, UsageError
from ilk.networks import build
from ilk.training import Callbacks, TrainingState, set_dropout
from ilk.training.dropout import own_draws
from tests.training.tiny_run import Tiny, assert_identical, method, run, tiny

SHORT = tiny(epochs=2.0, dropout=0.5)  # 6 steps


def dropping(case: Tiny = SHORT) -> TrainingState:
    network = build("neighbor-mnist", channels=1, seed=case.settings.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(case.settings.seed)
        network.embedding = nn.Sequential(nn.Linear(128, 32), nn.Dropout(), nn.Linear(32, 8))
    return TrainingState(method(case, network=network), case.settings)


def test_the_same_seed_is_the_same_run_and_the_global_generator_has_no_say() -> None:
    first = run(SHORT, dropping())
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert_identical(first, run(SHORT, dropping()))
    assert torch.equal(torch.get_rng_state(), before)
    without = tiny(SHORT, dropout=0.0)
    assert run(without, dropping(without)).history != first.history  # dropout was at work


@pytest.mark.parametrize("stop", [1, 4])
def test_a_stopped_run_with_dropout_goes_on_bit_for_bit(stop: int) -> None:
    steps, saved = [], []

    def save(state: TrainingState, must: bool) -> None:
        if must:
            saved.append(({name: tensor.clone() for name, tensor in state.tensors().items()}, state.metadata()))

    callbacks = Callbacks(save=save, stop=lambda: len(steps) == stop, on_step=lambda step, _: steps.append(step))
    with pytest.raises(InterruptedRunError):
        run(SHORT, dropping(), callbacks=callbacks)
    resumed = dropping()
    resumed.restore(*saved[0])
    torch.manual_seed(7)
    assert_identical(run(SHORT, resumed), run(SHORT, dropping()))


def test_each_step_draws_anew_and_a_network_without_dropout_draws_nothing() -> None:
    drop, plain = nn.Sequential(nn.Linear(2, 2), nn.Dropout()), nn.Linear(2, 2)

    def drawn(network: nn.Module, seed: int, number: int) -> float:
        with own_draws(network, seed, number):
            return torch.rand(()).item()

    torch.manual_seed(3)
    expected = torch.rand(2).tolist()
    torch.manual_seed(3)
    assert [drawn(plain, 0, 0), drawn(plain, 0, 0)] == expected
    four = [drawn(drop, *place) for place in ((0, 0), (0, 1), (1, 0), (0, 0))]
    assert len(set(four)) == 3
    assert four[0] == four[3]


def test_dropout_is_a_setting_of_networks_that_have_some() -> None:
    network = build("nin", channels=1)
    set_dropout(network, 0.25)
    assert [layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)] == [0.25]
    with pytest.raises(UsageError, match="NeighborMNIST has no dropout"):
        set_dropout(build("neighbor-mnist", channels=1), 0.25)
    set_dropout(build("neighbor-mnist", channels=1), 0.0)
