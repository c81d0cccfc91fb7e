"""Each linear operation goes back by its transpose: the scalar products before and after agree."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ilk.insight import deconvolution_rules as rules
from ilk.insight.deconvolution_rules import NoWayBackError, Reversed

LINEAR: dict[str, Callable[[Tensor], Reversed]] = {
    "convolution": lambda x: rules.convolve(x, torch.randn(6, 2, 3, 2), None, 2, (1, 0), 1, 2),
    "same padding": lambda x: rules.convolve(x, torch.randn(3, 4, 3, 3), None, 1, "same", 2, 1),
    "average pool": lambda x: rules.pool_average(x, 3, 2, 1),
    "average pool, only real pixels": lambda x: rules.pool_average(x, 3, 2, 1, count_include_pad=False),
    "adaptive average pool": lambda x: rules.pool_average_to(x, (2, 3)),
    "product": lambda x: rules.multiply(x, 0.3),
    "quotient": lambda x: rules.divide(x, 4.0),
    "identity": rules.identity,
}


@pytest.mark.parametrize("name", LINEAR)
def test_the_way_back_through_a_linear_operation_is_its_transpose(name: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 4, 7, 8, dtype=torch.float64)
    torch.set_default_dtype(torch.float64)
    try:
        out, back = LINEAR[name](x)
        signal = torch.randn_like(out)
        (pixels,) = back(signal)
    finally:
        torch.set_default_dtype(torch.float32)
    assert pixels.shape == x.shape
    assert (out * signal).sum().item() == pytest.approx((x * pixels).sum().item(), rel=1e-10)


def test_unpooling_adds_where_windows_overlap() -> None:
    x = torch.zeros(1, 1, 1, 3)
    x[..., 1] = 5.0
    out, back = rules.pool_max(x, (1, 2), 1)
    assert out.flatten().tolist() == [5, 5]
    assert back(torch.tensor([[[[2.0, 3.0]]]]))[0].flatten().tolist() == [0, 5, 0]


def test_batch_norm_goes_back_by_its_scale_alone() -> None:
    norm = nn.BatchNorm2d(1).eval()
    norm.running_var.fill_(4.0 - norm.eps)
    norm.weight.data.fill_(3.0)
    norm.bias.data.fill_(7.0)
    _, back = rules.normalize_batch(torch.ones(1, 1, 1, 1), norm)
    assert back(torch.ones(1, 1, 1, 1))[0].item() == pytest.approx(1.5)


def test_branches_get_their_parts_and_sums_the_whole_signal() -> None:
    parts = [torch.zeros(1, 1, 1, 2), torch.zeros(1, 2, 1, 2)]
    signal = torch.arange(6.0).reshape(1, 3, 1, 2)
    first, second = rules.concatenate(parts, 1)[1](signal)
    assert (first.flatten().tolist(), second.flatten().tolist()) == ([0, 1], [2, 3, 4, 5])
    assert all(torch.equal(part, signal) for part in rules.add(signal, signal)[1](signal))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: rules.add(x, x[:, :1]),
        lambda x: rules.multiply(x, x),
        lambda x: rules.divide(2.0, x),
        lambda x: rules.pool_max(x, 2, return_indices=True),
        lambda x: rules.normalize_batch(x, nn.BatchNorm2d(4, track_running_stats=False)),
    ],
)
def test_what_has_no_way_back_says_so(call: Callable[[Tensor], Reversed]) -> None:
    with pytest.raises(NoWayBackError):
        call(torch.ones(1, 4, 4, 4))
