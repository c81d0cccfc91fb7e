"""The optimizers by name, and their state as plain tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from ilk.training.settings import STARTING_RATE, Settings


def _sgd(parameters: Iterable[nn.Parameter], settings: Settings, rate: float) -> Optimizer:
    return SGD(
        parameters,
        lr=rate,
        momentum=settings.momentum,
        nesterov=settings.nesterov and settings.momentum > 0,
        weight_decay=settings.weight_decay,
    )


def _adam(kind: type[Adam] | type[AdamW]) -> Callable[[Iterable[nn.Parameter], Settings, float], Optimizer]:
    def build(parameters: Iterable[nn.Parameter], settings: Settings, rate: float) -> Optimizer:
        betas = (settings.momentum, 0.999)
        return kind(parameters, lr=rate, betas=betas, weight_decay=settings.weight_decay)

    return build


OPTIMIZERS: dict[str, Callable[[Iterable[nn.Parameter], Settings, float], Optimizer]] = {
    "sgd": _sgd,
    "adam": _adam(Adam),
    "adamw": _adam(AdamW),
}


def build_optimizer(parameters: Iterable[nn.Parameter], settings: Settings) -> Optimizer:
    """The optimizer that the settings name; its highest rate is kept in each group as `initial_lr`.

    The schedule sets each group's `lr` before each step, at most its `initial_lr`; a method may lower that of a group.
    """
    rate = settings.learning_rate or STARTING_RATE
    optimizer = OPTIMIZERS[settings.optimizer](parameters, settings, rate)
    for group in optimizer.param_groups:
        group["initial_lr"] = rate
    return optimizer


def parameter_names(networks: Mapping[str, nn.Module]) -> dict[nn.Parameter, str]:
    """Each parameter with a name that is unique over all networks, such as main.features.0.weight."""
    return {p: f"{name}.{own}" for name, network in networks.items() for own, p in network.named_parameters()}


def optimizer_tensors(optimizer: Optimizer, names: Mapping[nn.Parameter, str]) -> dict[str, Tensor]:
    """Its state as named tensors, such as momentum_buffer.main.features.0.weight."""
    return {
        f"{key}.{names[parameter]}": value
        for parameter, state in optimizer.state.items()
        for key, value in state.items()
        if isinstance(value, Tensor) and isinstance(parameter, nn.Parameter)
    }


def restore_optimizer(optimizer: Optimizer, names: Mapping[nn.Parameter, str], tensors: Mapping[str, Tensor]) -> None:
    """Put the state of `optimizer_tensors()` back; the next step is the one that would have come next."""
    owned = {names[parameter]: parameter for group in optimizer.param_groups for parameter in group["params"]}
    optimizer.state.clear()
    for full, tensor in tensors.items():
        key, _, name = full.partition(".")
        parameter = owned[name]
        # In the parameter's own memory layout, because another one rounds differently.
        same = tensor.shape == parameter.shape
        optimizer.state[parameter][key] = torch.empty_like(parameter).copy_(tensor).detach() if same else tensor.clone()
