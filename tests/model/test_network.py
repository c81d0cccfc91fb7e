"""A description names its network, with options and the subtraction of a mean."""

from __future__ import annotations

import pytest
import torch

from ilk.errors import UsageError
from ilk.model.network import network_of
from ilk.networks import build, outline
from ilk.networks.mean_subtraction import subtract_mean

ABOUT = {"network": "neighbor-mnist", "options": {}, "channels": 3, "height": 12, "width": 14}


def shapes(network: torch.nn.Module) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("make", [build, outline])
@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize("mean", [False, True])
def test_it_has_the_tensors_of_the_network_that_was_trained(make: object, strided: bool, mean: bool) -> None:
    trained = build("neighbor-mnist", channels=3, dim=5, strided=strided)
    if mean:
        subtract_mean(trained, torch.zeros(3))
    found = network_of(ABOUT | {"options": {"strided": strided}, "subtract_mean": mean}, 5, make)  # type: ignore[arg-type]
    assert shapes(found) == shapes(trained)


@pytest.mark.parametrize(
    "change",
    [{"network": "neighbor-none"}, {"height": 3}, {"options": {"strided": "yes"}}, {"options": {"dim": 3}}],
)
def test_what_cannot_be_built_is_refused(change: dict) -> None:
    with pytest.raises(UsageError):
        network_of(ABOUT | change, 5)
