"""An operation's settings are the same for a module and for the function of the same kind."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ilk.insight.operation import OPERATION_KINDS, Operation
from ilk.insight.trace import trace


class Functions(nn.Module):
    """A convolution, a pool and padding as functions, their settings by place and by name."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, 1, 3, 3))

    def forward(self, images: Tensor) -> Tensor:
        maps = functional.conv2d(images, self.weight, None, 2, padding=1)
        return functional.pad(functional.max_pool2d(maps, 2), (1, 2, 0, 1))


MODULES = nn.Sequential(nn.Conv2d(1, 3, 3, 2, 1, bias=False), nn.MaxPool2d(2), nn.ZeroPad2d((1, 2, 0, 1)))


@pytest.fixture(params=[Functions(), MODULES], ids=["functions", "modules"])
def operations(request: pytest.FixtureRequest) -> list[Operation]:
    return trace(request.param, (1, 1, 12, 12))


def test_settings_are_those_of_the_call_or_the_module(operations: list[Operation]) -> None:
    conv, pool, pad = operations
    assert torch.Size(conv.weight.shape) == (3, 1, 3, 3)
    numbers = [value[0] if isinstance(value, tuple) else value for value in map(conv.setting, ("stride", "padding"))]
    assert numbers == [2, 1]
    assert conv.setting("groups") == 1
    assert (pool.setting("kernel_size"), pool.setting("ceil_mode"), pool.weight) == (2, False, None)
    assert tuple(pad.setting("pad")) == (1, 2, 0, 1)


def test_every_kind_names_a_module_function_or_method_of_pytorch() -> None:
    homes = (nn, functional, torch, Tensor)
    unknown = [name for name in OPERATION_KINDS if not any(hasattr(home, name) for home in homes)]
    assert unknown == ["iadd", "isub", "imul", "truediv", "itruediv", "getitem", "getattr"]  # of Python's operators
