"""The optimizers by name: steps as their papers print them, and a state that a checkpoint can hold."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from ilk.errors import InterruptedRunError, ModelError
from ilk.training import Callbacks, Settings, TrainingState
from ilk.training.optimizers import OPTIMIZERS, build_optimizer, optimizer_tensors, parameter_names, restore_optimizer
from tests.training.tiny_run import assert_identical, fresh, run, tiny

STATES = {"sgd": {"momentum_buffer"}, "adam": {"step", "exp_avg", "exp_avg_sq"}}
STATES["adamw"] = STATES["adam"]
RATES = {"sgd": 0.05, "adam": 0.005, "adamw": 0.005}


def test_each_optimizer_has_its_state_here() -> None:
    assert OPTIMIZERS.keys() == STATES.keys() == RATES.keys()


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("stop_after", [1, 5])
def test_a_stopped_run_goes_on_bit_for_bit(name: str, stop_after: int) -> None:
    """Through JSON, and through tensors whose memory lies as a file has it, into a state of other weights."""
    case = tiny(epochs=3.0, optimizer=name, learning_rate=RATES[name])
    broken, saved = fresh(case), []

    def save(state: TrainingState, must: bool) -> None:
        if must:
            tensors = {k: v.clone(memory_format=torch.contiguous_format) for k, v in state.tensors().items()}
            saved.append((tensors, json.loads(json.dumps(state.metadata()))))

    with pytest.raises(InterruptedRunError):
        run(case, broken, callbacks=Callbacks(save=save, stop=lambda: broken.step == stop_after))
    again = fresh(case, weights=77)
    again.restore(*saved[0])
    assert_identical(again, broken)
    assert_identical(run(case, again), run(case))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_is_named_by_what_it_is_its_network_and_its_parameter(name: str) -> None:
    case = tiny(epochs=1.0, optimizer=name, learning_rate=RATES[name])
    state = run(case)
    parameters = {f"main.{own}" for own, _ in state.network.named_parameters()}
    expected = {f"optimizers.main.{key}.{parameter}" for key in STATES[name] for parameter in parameters}
    assert {key for key in state.tensors() if key.startswith("optimizers.")} == expected
    assert not any(key.startswith("optimizers.") for key in fresh(case).tensors())  # before the first step


def test_a_state_of_another_network_is_refused() -> None:
    case = tiny(epochs=1.0)
    state = run(case)
    tensors = state.tensors()
    tensors["optimizers.main.momentum_buffer.main.no.such.weight"] = torch.zeros(2)
    with pytest.raises(ModelError, match="another network or method"):
        fresh(case).restore(tensors, state.metadata())


def steps_in_words(name: str, settings: Settings, weight: float, gradients: list[float]) -> float:
    """The weight after these gradients, by each optimizer's equations in Python's own floats."""
    rate, decay, beta = settings.learning_rate or 0.0, settings.weight_decay, settings.momentum
    mean = square = 0.0
    for number, slope in enumerate(gradients, 1):
        gradient = slope if name == "adamw" else slope + decay * weight
        if name == "adamw":
            weight -= rate * decay * weight
        if name == "sgd":
            mean = gradient if number == 1 else beta * mean + gradient
            weight -= rate * (gradient + beta * mean if settings.nesterov else mean)
            continue
        mean = beta * mean + (1 - beta) * gradient
        square = 0.999 * square + 0.001 * gradient**2
        weight -= rate * (mean / (1 - beta**number)) / (math.sqrt(square / (1 - 0.999**number)) + 1e-8)
    return weight


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("given", [{}, {"nesterov": False, "momentum": 0.5}, {"weight_decay": 0.0, "momentum": 0.0}])
def test_steps_are_those_of_the_equations(name: str, given: dict) -> None:
    settings = Settings(epochs=1.0, **({"optimizer": name, "learning_rate": 0.03, "weight_decay": 0.2} | given))
    gradients = [0.7, -1.5, 0.1, 2.0]
    parameter = nn.Parameter(torch.tensor(0.9, dtype=torch.float64))
    optimizer = build_optimizer([parameter], settings)
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
    assert parameter.item() == pytest.approx(steps_in_words(name, settings, 0.9, gradients), rel=1e-12)


@pytest.mark.parametrize(("given", "highest"), [(0.02, 0.02), (None, 0.1)])
def test_the_highest_rate_is_kept_in_each_group(given: float | None, highest: float) -> None:
    for name in OPTIMIZERS:
        settings = Settings(epochs=1.0, optimizer=name, learning_rate=given)
        optimizer = build_optimizer(nn.Linear(2, 2).parameters(), settings)
        assert [group["initial_lr"] for group in optimizer.param_groups] == [highest]


def test_names_are_unique_over_networks_and_a_state_goes_to_the_parameter_of_its_name() -> None:
    networks = {"main": nn.Linear(2, 2), "critic": nn.Linear(2, 2)}
    names = parameter_names(networks)
    assert sorted(names.values()) == ["critic.bias", "critic.weight", "main.bias", "main.weight"]
    # The second holds the same parameters in another order.
    settings = Settings(epochs=1.0, learning_rate=0.1)
    first, second = (build_optimizer(order, settings) for order in ([*names], [*names][::-1]))
    for parameter in names:
        parameter.grad = torch.rand_like(parameter)
    first.step()
    restore_optimizer(second, names, {k: v.clone() for k, v in optimizer_tensors(first, names).items()})
    for parameter in names:
        assert torch.equal(first.state[parameter]["momentum_buffer"], second.state[parameter]["momentum_buffer"])


def test_restoring_forgets_what_came_after_the_saved_state() -> None:
    settings, network = Settings(epochs=1.0, learning_rate=0.1), nn.Linear(2, 2)
    names, optimizer = parameter_names({"main": network}), build_optimizer(network.parameters(), settings)
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    restore_optimizer(optimizer, names, {})
    assert optimizer_tensors(optimizer, names) == {}
