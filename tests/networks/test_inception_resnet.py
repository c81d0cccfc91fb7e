"""The Inception-ResNets against their figures: sizes and kernels typed in from the paper, and the laws of networks."""

from __future__ import annotations

import functools

import jaxtyping
import pytest
import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from ilk.networks.inception_resnet import (
    InceptionResNet,
    InceptionResNetV1,
    InceptionResNetV2,
    InceptionResNetV2Released,
    module_a,
    module_b,
    module_c,
)
from ilk.networks.inception_v4 import ConvUnit

VERSIONS = [InceptionResNetV1, InceptionResNetV2, InceptionResNetV2Released]


@functools.cache
def on_paper(version: type[InceptionResNet], **options: bool | int) -> InceptionResNet:
    """A network without memory: it knows shapes only. One for all tests, which leave it as it is."""
    with torch.device("meta"):
        return version(**options)


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


def convolutions(module: nn.Module) -> list[tuple[int, ...]]:
    """(maps out, kernel height, kernel width) of each convolution, in the order of the branches."""
    return [(layer.out_channels, *layer.kernel_size) for layer in module.modules() if isinstance(layer, nn.Conv2d)]


def test_the_released_network_has_as_many_parameters_as_its_authors() -> None:
    assert parameters(on_paper(InceptionResNetV2Released, dim=1000)) == 55_843_464


def test_v1_differs_from_the_port_that_is_quoted_by_a_module_and_a_layer() -> None:
    count = parameters(on_paper(InceptionResNetV1, dim=1000))
    sixth_module = parameters(module_c(1792, (192, 192), 1.0))
    bottleneck = 1792 * 512 + 2 * 512 + (512 * 1000 + 1000)  # without a bias, with batch-norm, before the classes
    assert count - (1792 * 1000 + 1000) + sixth_module + bottleneck == 23_995_624
    assert count == 22_756_328


def test_v2_of_the_figures() -> None:
    assert parameters(on_paper(InceptionResNetV2, dim=1000)) == 32_433_928


def test_sizes_of_figures_14_and_15() -> None:
    printed = {
        "stem.conv1": (32, 149, 149),
        "stem.conv2": (32, 147, 147),
        "stem.conv3": (64, 147, 147),
        "stem.pool": (64, 73, 73),
        "stem.conv4": (80, 73, 73),
        "stem.conv5": (192, 71, 71),
        "stem.conv6": (256, 35, 35),
        "module_a": (256, 35, 35),
        "reduction_a": (896, 17, 17),
        "module_b": (896, 17, 17),
        "reduction_b": (1792, 8, 8),
        "module_c": (1792, 8, 8),
        "pool": (1792, 1, 1),
    }
    assert shapes(on_paper(InceptionResNetV1), list(printed), 299) == printed


def test_sizes_of_v2() -> None:
    printed = {"stem": (384, 35, 35), "reduction_a": (1152, 17, 17), "reduction_b": (2144, 8, 8), "pool": (2144, 1, 1)}
    assert shapes(on_paper(InceptionResNetV2), list(printed), 299) == printed
    released = {
        "stem.pool2": (192, 35, 35),
        "stem": (320, 35, 35),
        "reduction_a": (1088, 17, 17),
        "reduction_b": (2080, 8, 8),
        "pool": (1536, 1, 1),
    }
    assert shapes(on_paper(InceptionResNetV2Released), list(released), 299) == released


@pytest.mark.parametrize("version", [InceptionResNetV1, InceptionResNetV2])
def test_modules_are_repeated_five_ten_and_five_times(version: type[InceptionResNet]) -> None:
    network = on_paper(version)
    assert [len(network.module_a), len(network.module_b), len(network.module_c)] == [5, 10, 5]


def test_convolutions_of_figures_10_to_13() -> None:
    network = on_paper(InceptionResNetV1)
    assert convolutions(network.module_a[4]) == [
        (32, 1, 1),
        *[(32, 1, 1), (32, 3, 3)],
        *[(32, 1, 1), (32, 3, 3), (32, 3, 3)],
        (256, 1, 1),
    ]
    assert convolutions(network.module_b[9]) == [(128, 1, 1), *[(128, 1, 1), (128, 1, 7), (128, 7, 1)], (896, 1, 1)]
    assert convolutions(network.module_c[4]) == [(192, 1, 1), *[(192, 1, 1), (192, 1, 3), (192, 3, 1)], (1792, 1, 1)]
    assert convolutions(network.reduction_a) == [(384, 3, 3), *[(192, 1, 1), (192, 3, 3), (256, 3, 3)]]
    assert convolutions(network.reduction_b) == [
        *[(256, 1, 1), (384, 3, 3)],
        *[(256, 1, 1), (256, 3, 3)],
        *[(256, 1, 1), (256, 3, 3), (256, 3, 3)],
    ]


def test_convolutions_of_figures_16_to_19() -> None:
    network = on_paper(InceptionResNetV2)
    assert convolutions(network.module_a[4]) == [
        (32, 1, 1),
        *[(32, 1, 1), (32, 3, 3)],
        *[(32, 1, 1), (48, 3, 3), (64, 3, 3)],
        (384, 1, 1),
    ]
    assert convolutions(network.module_b[9]) == [(192, 1, 1), *[(128, 1, 1), (160, 1, 7), (192, 7, 1)], (1152, 1, 1)]
    assert convolutions(network.module_c[4]) == [(192, 1, 1), *[(192, 1, 1), (224, 1, 3), (256, 3, 1)], (2144, 1, 1)]
    assert convolutions(network.reduction_a) == [(384, 3, 3), *[(256, 1, 1), (256, 3, 3), (384, 3, 3)]]
    assert convolutions(network.reduction_b) == [
        *[(256, 1, 1), (384, 3, 3)],
        *[(256, 1, 1), (288, 3, 3)],
        *[(256, 1, 1), (288, 3, 3), (320, 3, 3)],
    ]


@pytest.mark.parametrize("linear", [False, True])
def test_a_residual_is_scaled_then_added_then_rectified(linear: bool) -> None:
    block = module_c(8, (16, 24), 0.25, linear).eval()
    maps = torch.randn(2, 8, 5, 5, generator=torch.Generator().manual_seed(0))
    single, three = block.branches["branch_1x1"](maps), block.branches["branch_3x3"](maps)
    weight, bias = block.expand.weight[:, :, 0, 0], block.expand.bias
    residual = torch.einsum("om,bmhw->bohw", weight, torch.cat([single, three], 1)) + bias[None, :, None, None]
    wanted = maps + 0.25 * residual
    torch.testing.assert_close(block(maps), wanted if linear else wanted.clamp_min(0), rtol=1e-4, atol=1e-5)


def test_with_a_scale_of_zero_a_module_only_rectifies() -> None:
    maps = torch.randn(1, 8, 9, 9, generator=torch.Generator().manual_seed(0))
    for block in (module_a(8, (4, 4), 0.0), module_b(8, 4, (4, 4, 4), 0.0), module_c(8, (4, 4), 0.0)):
        torch.testing.assert_close(block(maps), maps.clamp_min(0))


def test_scales_go_to_the_modules_in_their_order() -> None:
    network = on_paper(InceptionResNetV1)
    assert {block.scale for block in network.module_a} == {0.17}
    assert {block.scale for block in network.module_b} == {0.10}
    assert {block.scale for block in network.module_c} == {0.20}
    assert on_paper(InceptionResNetV2, scales=(0.1, 0.2, 0.3)).module_c[0].scale == 0.3
    assert on_paper(InceptionResNetV2Released).module_c.last.scale == 1.0


@pytest.mark.parametrize("version", VERSIONS)
def test_gradients_rest_and_graph(version: type[InceptionResNet], monkeypatch: pytest.MonkeyPatch) -> None:
    """One network for all that needs weights: drawing them takes longer than the rest."""
    torch.manual_seed(0)
    network = version()
    draw = torch.Generator().manual_seed(1)
    points = network.train()(torch.randn(1, 3, 299, 299, generator=draw))
    assert points.shape == (1, 128)
    points.square().sum().backward()
    still = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert still == []

    network.eval().zero_grad(set_to_none=True)
    images = torch.randn(2, 3, 75, 90, generator=draw)
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # what is traced has no shape
    graph = torch.fx.symbolic_trace(network)
    with torch.no_grad():
        both = network(images)
        alone = torch.cat([network(images[:1]), network(images[1:])])
        assert (both[0] - both[1]).abs().max() > 1e-2
        torch.testing.assert_close(both, alone, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(graph(images), both, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_smallest_size_is_the_smallest(version: type[InceptionResNet]) -> None:
    network = on_paper(version)
    assert shapes(network, ["reduction_b"], version.smallest)["reduction_b"][1:] == (1, 1)
    with pytest.raises(RuntimeError):
        network(torch.zeros(1, 3, version.smallest, version.smallest - 1, device="meta"))


@pytest.mark.parametrize(
    ("version", "channels", "dim"),
    [(InceptionResNetV1, 1, 2), (InceptionResNetV2, 4, 1000), (InceptionResNetV2Released, 1, 30)],
)
def test_channels_and_dimensions(version: type[InceptionResNet], channels: int, dim: int) -> None:
    network = on_paper(version, channels=channels, dim=dim).eval()
    assert network(torch.zeros(2, channels, 75, 75, device="meta")).shape == (2, dim)


@pytest.mark.parametrize("version", VERSIONS)
def test_strided_has_a_convolution_for_every_halving_pool(version: type[InceptionResNet]) -> None:
    pooled, strided = on_paper(version), on_paper(version, strided=True)
    pools = [name for name, layer in pooled.named_modules() if isinstance(layer, nn.MaxPool2d)]
    assert len(pools) == {InceptionResNetV1: 3, InceptionResNetV2: 4, InceptionResNetV2Released: 4}[version]
    for name in pools:
        unit = strided.get_submodule(name)
        assert isinstance(unit, ConvUnit)
        assert (unit.conv.kernel_size, unit.conv.stride, unit.conv.padding) == ((3, 3), (2, 2), (0, 0))
        assert unit.conv.in_channels == unit.conv.out_channels
    sides = {name: shape[1:] for name, shape in shapes(strided, ["stem", "reduction_a", "reduction_b"], 299).items()}
    assert sides == {"stem": (35, 35), "reduction_a": (17, 17), "reduction_b": (8, 8)}
