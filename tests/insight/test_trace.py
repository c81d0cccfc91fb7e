"""A network as a list of operations: names, kinds, shapes; modules and functions alike."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ilk.errors import UsageError
from ilk.insight.trace import trace


class Residual(nn.Module):
    """A convolution that is used twice, with a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        return torch.flatten(self.conv(self.conv(images)).relu() + images, 1)


def test_each_operation_has_its_name_kind_and_shape() -> None:
    operations = trace(nn.Sequential(Residual()), (3, 2, 4, 5))
    assert [(each.name, each.kind) for each in operations] == [
        ("0.conv", "conv"),
        ("0.conv:2", "conv"),
        ("0.relu", "ReLU"),
        ("0.add", "add"),
        ("0.flatten", "flatten"),
    ]
    assert [tuple(each.output.shape) for each in operations] == [(3, 2, 4, 5)] * 4 + [(3, 40)]
    assert all(each.output.is_meta for each in operations)


def test_the_network_keeps_its_weights_and_its_mode() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Dropout())
    trace(network, (1, 1, 2, 2))
    assert network.training
    assert not network[0].weight.is_meta


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (nn.Sequential(nn.Upsample(scale_factor=2)), "not known: Upsample"),
        (nn.Sequential(nn.Conv2d(3, 1, 1)), "0: .*4×4 pixels with 1 channels"),
    ],
)
def test_what_cannot_be_traced_is_refused(network: nn.Module, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        trace(network, (1, 1, 4, 4))
