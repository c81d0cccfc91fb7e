"""Shapes by arithmetic, against what PyTorch gives."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from ilk.errors import UsageError
from ilk.insight.fields import ROWS
from ilk.insight.output_shapes import SHAPE_RULES, shape_of
from ilk.insight.trace import trace

PAIR = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from([nn.MaxPool2d, nn.AvgPool2d, nn.LPPool2d]),
    PAIR,
    st.none() | PAIR,
    st.integers(0, 2),
    st.integers(1, 2),
    st.booleans(),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
def test_pools_give_what_pytorch_gives(
    pool: type[nn.Module],
    kernel: tuple[int, int],
    stride: tuple[int, int] | None,
    padding: int,
    dilation: int,
    up: bool,
    size: tuple[int, int],
) -> None:
    padding = min(padding, min(kernel) // 2)
    if pool is nn.LPPool2d:
        layer: nn.Module = nn.LPPool2d(2, kernel, stride, ceil_mode=up)
    elif pool is nn.MaxPool2d:
        layer = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=up)
    else:
        layer = nn.AvgPool2d(kernel, stride, padding, ceil_mode=up)
    try:
        true = layer(torch.zeros(ROWS, 2, *size)).shape
    except RuntimeError:
        with pytest.raises(UsageError, match="larger than the map"):
            trace(nn.Sequential(layer), (ROWS, 2, *size))
    else:
        (step,) = trace(nn.Sequential(layer), (ROWS, 2, *size))
        assert shape_of(step) == true == step.output.shape


class Everything(nn.Module):
    """Each kind of `SHAPE_RULES`, as a module and as a function."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, (3, 2), 2, 1, groups=1)
        self.norm, self.around = nn.BatchNorm2d(4), nn.LocalResponseNorm(3)
        self.pool = nn.AdaptiveMaxPool2d((None, 3))
        self.linear = nn.Linear(5, 2)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.around(self.norm(self.conv(images)))
        more = functional.avg_pool2d(functional.max_pool2d(maps, 2, ceil_mode=True), 1)
        more = torch.cat([more, functional.lp_pool2d(maps, 2.0, 2, 2, True) + 1, more * more[:, :1]], dim=1)
        more = functional.adaptive_avg_pool2d(self.pool(more), (4, 5))
        points = functional.normalize(self.linear(functional.normalize(more.mean(2), dim=-1)), dim=1)
        return torch.stack([points, points], 1).flatten(1) + torch.ones(1)


def test_every_kind_gives_what_pytorch_gives() -> None:
    found: dict[str, torch.Size] = {}

    class Runner(torch.fx.Interpreter):
        def run_node(self, n: torch.fx.Node) -> object:
            output = super().run_node(n)
            if isinstance(output, Tensor):
                found[n.name] = output.shape
            return output

    network = Everything()
    Runner(torch.fx.symbolic_trace(network.eval())).run(torch.rand(ROWS, 3, 17, 12))
    steps = trace(network, (ROWS, 3, 17, 12))
    assert {step.node.name: step.output.shape for step in steps} == {
        name: shape for name, shape in found.items() if name in {step.node.name for step in steps}
    }
    assert {step.kind for step in steps} >= set(SHAPE_RULES) - {"max pool", "average pool"} | {"add", "multiply"}


def test_what_does_not_fit_is_refused_by_name() -> None:
    class Uneven(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images + functional.max_pool2d(images, 2)

    with pytest.raises(UsageError, match=r"add: what it is given has shapes that do not fit: .*8, 8.* and .*4, 4"):
        trace(Uneven(), (ROWS, 1, 8, 8))
