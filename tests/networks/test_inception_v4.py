"""Inception-v4 against its figures: sizes and kernels typed in from the paper, and the laws of every network."""

from __future__ import annotations

import functools

import jaxtyping
import pytest
import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from ilk.networks.inception_v4 import ConvUnit, InceptionV4, smoothing


@pytest.fixture(scope="module")
def network() -> InceptionV4:
    torch.manual_seed(0)
    return InceptionV4()


@functools.cache
def on_paper(**options: bool | int) -> InceptionV4:
    """A network without memory: it knows shapes only. One for all tests, which leave it as it is."""
    with torch.device("meta"):
        return InceptionV4(**options)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def shapes(network: nn.Module, names: list[str], side: int) -> dict[str, tuple[int, ...]]:
    """(maps, height, width) of each named layer's output for one image."""
    seen: dict[str, tuple[int, ...]] = {}

    def watch(name: str) -> RemovableHandle:
        layer = network.get_submodule(name)
        return layer.register_forward_hook(lambda _, __, out: seen.update({name: tuple(out.shape[1:])}))

    hooks = [watch(name) for name in names]
    network.eval()(torch.zeros(1, 3, side, side, device="meta"))
    for hook in hooks:
        hook.remove()
    return seen


def kernels(branch: nn.Module) -> list[tuple[int, ...]]:
    return [layer.kernel_size for layer in branch.modules() if isinstance(layer, nn.Conv2d)]


def test_parameters_with_a_thousand_classes() -> None:
    assert parameters(on_paper(dim=1000)) == 42_679_816


def test_sizes_of_figures_3_and_9() -> None:
    printed = {
        "stem.conv1": (32, 149, 149),
        "stem.conv2": (32, 147, 147),
        "stem.conv3": (64, 147, 147),
        "stem.split1_pool": (64, 73, 73),
        "stem.split1_conv": (96, 73, 73),
        "stem.split2_short": (96, 71, 71),
        "stem.split2_long": (96, 71, 71),
        "stem": (384, 35, 35),
        "inception_a": (384, 35, 35),
        "reduction_a": (1024, 17, 17),
        "inception_b": (1024, 17, 17),
        "reduction_b": (1536, 8, 8),
        "inception_c": (1536, 8, 8),
        "pool": (1536, 1, 1),
    }
    assert shapes(on_paper(), list(printed), 299) == printed


def test_modules_are_repeated_four_seven_and_three_times() -> None:
    network = on_paper()
    assert [len(network.inception_a), len(network.inception_b), len(network.inception_c)] == [4, 7, 3]


def test_maps_of_each_branch() -> None:
    printed = {
        "inception_a.0.branch_pool": 96,
        "inception_a.0.branch_1x1": 96,
        "inception_a.0.branch_3x3": 96,
        "inception_a.0.branch_double": 96,
        "reduction_a.branch_3x3": 384,
        "reduction_a.branch_double": 256,
        "inception_b.0.branch_pool": 128,
        "inception_b.0.branch_1x1": 384,
        "inception_b.0.branch_7x7": 256,
        "inception_b.0.branch_double": 256,
        "reduction_b.branch_3x3": 192,
        "reduction_b.branch_7x7": 320,
        "inception_c.0.branch_pool": 256,
        "inception_c.0.branch_1x1": 256,
        "inception_c.0.branch_3x3_row": 256,
        "inception_c.0.branch_3x3_column": 256,
        "inception_c.0.branch_double_row": 256,
        "inception_c.0.branch_double_column": 256,
    }
    assert {name: shape[0] for name, shape in shapes(on_paper(), list(printed), 299).items()} == printed


def test_rows_and_columns_are_where_the_figures_have_them() -> None:
    network = on_paper()
    assert kernels(network.stem.split2_long) == [(1, 1), (7, 1), (1, 7), (3, 3)]
    assert kernels(network.inception_b[6].branch_7x7) == [(1, 1), (1, 7), (7, 1)]
    assert kernels(network.inception_b[6].branch_double) == [(1, 1), (1, 7), (7, 1), (1, 7), (7, 1)]
    assert kernels(network.reduction_b.branch_7x7) == [(1, 1), (1, 7), (7, 1), (3, 3)]
    assert kernels(network.inception_c[2].branch_double) == [(1, 1), (1, 3), (3, 1)]
    assert kernels(network.inception_c[2].branch_double_row) == [(1, 3)]
    assert kernels(network.inception_c[2].branch_3x3_column) == [(3, 1)]


def test_a_unit_is_convolution_batch_norm_relu() -> None:
    unit = ConvUnit(2, 3, (1, 3)).train()
    maps = torch.randn(4, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    linear = nn.functional.conv2d(maps, unit.conv.weight, padding=(0, 1))
    normed = (linear - linear.mean((0, 2, 3), keepdim=True)) / (
        linear.var((0, 2, 3), False, keepdim=True) + 1e-3
    ).sqrt()
    torch.testing.assert_close(unit(maps), normed.clamp_min(0))


def test_the_average_pool_does_not_count_what_lies_outside() -> None:
    even = torch.full((1, 384, 4, 4), 3.0)
    torch.testing.assert_close(smoothing()(even), even)


def test_gradients_reach_every_parameter_at_the_papers_size(network: InceptionV4) -> None:
    images = torch.randn(1, 3, 299, 299, generator=torch.Generator().manual_seed(1))
    points = network.train()(images)
    assert points.shape == (1, 128)
    points.square().sum().backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    network.zero_grad(set_to_none=True)
    assert still == []


def test_images_do_not_see_each_other_at_rest_and_the_graph_says_the_same(
    network: InceptionV4, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = torch.randn(2, 3, 75, 90, generator=torch.Generator().manual_seed(2))
    network.eval()
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # what is traced has no shape
    graph = torch.fx.symbolic_trace(network)
    with torch.no_grad():
        both = network(images)
        alone = torch.cat([network(images[:1]), network(images[1:])])
        assert (both[0] - both[1]).abs().max() > 1e-3
        torch.testing.assert_close(both, alone, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(graph(images), both, rtol=1e-5, atol=1e-6)


def test_the_smallest_size_is_the_smallest() -> None:
    network = on_paper()
    assert shapes(network, ["inception_c"], InceptionV4.smallest) == {"inception_c": (1536, 1, 1)}
    with pytest.raises(RuntimeError):
        network(torch.zeros(1, 3, InceptionV4.smallest - 1, InceptionV4.smallest, device="meta"))


@pytest.mark.parametrize(("channels", "dim"), [(1, 2), (3, 128), (4, 1000)])
def test_channels_and_dimensions(channels: int, dim: int) -> None:
    points = on_paper(channels=channels, dim=dim).eval()(torch.zeros(2, channels, 75, 75, device="meta"))
    assert points.shape == (2, dim)


def test_strided_has_a_convolution_for_every_halving_pool_and_the_same_sizes() -> None:
    pooled, strided = on_paper(), on_paper(strided=True)
    pools = [name for name, layer in pooled.named_modules() if isinstance(layer, nn.MaxPool2d)]
    assert pools == ["stem.split1_pool", "stem.split3_pool", "reduction_a.branch_pool", "reduction_b.branch_pool"]
    assert sum(isinstance(layer, nn.AvgPool2d) for layer in strided.modules()) == 4 + 7 + 3
    for name in pools:
        unit = strided.get_submodule(name)
        assert isinstance(unit, ConvUnit)
        assert (unit.conv.kernel_size, unit.conv.stride, unit.conv.padding) == ((3, 3), (2, 2), (0, 0))
        assert unit.conv.in_channels == unit.conv.out_channels
    sizes = {"stem": (384, 35, 35), "reduction_a": (1024, 17, 17), "reduction_b": (1536, 8, 8)}
    assert shapes(strided, list(sizes), 299) == sizes
