"""Table 3 of the paper: sizes of the maps, order of the layers, numbers of parameters."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor, nn

from ilk.networks import NETWORKS
from ilk.networks.neighbor import Neighbor2D, NeighborCIFAR, NeighborMNIST


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def sides(network: NeighborMNIST | NeighborCIFAR, images: Tensor) -> list[int]:
    """The side of the map after each convolution and each pooling, the image first."""
    seen = [images.shape[-1]]
    hooks = [
        layer.register_forward_hook(lambda _, __, output: seen.append(output.shape[-1]))
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AdaptiveAvgPool2d)
    ]
    network.eval()(images)
    for hook in hooks:
        hook.remove()
    return seen


def test_parameter_counts() -> None:
    assert parameters(NeighborMNIST()) == 134_944
    assert parameters(NeighborCIFAR()) == 718_752
    assert parameters(Neighbor2D()) == 134_944 + 128 * 2 + 2


@pytest.mark.parametrize("pool_first", [False, True])
def test_maps_of_the_mnist_network(pool_first: bool) -> None:
    network = NeighborMNIST(pool_first=pool_first)
    assert sides(network, torch.zeros(1, 1, 28, 28)) == [28, 26, 13, 13, 13, 13, 6, 6, 1]


@pytest.mark.parametrize("pool_first", [False, True])
def test_maps_of_the_cifar_network(pool_first: bool) -> None:
    side = sides(NeighborCIFAR(pool_first=pool_first), torch.zeros(1, 3, 32, 32))
    assert [s for s, _ in itertools.groupby(side)] == [32, 15, 7, 1]
    assert len(side) == 1 + 8 + 2 + 1  # the image, eight convolutions, two max-pools, one average


def test_each_convolution_is_followed_by_relu_and_then_batch_norm() -> None:
    released = (NeighborMNIST(pool_first=True), NeighborCIFAR(pool_first=True))
    for network in (NeighborMNIST(), NeighborCIFAR(), *released):
        kinds = [type(layer) for layer in network.features if not isinstance(layer, nn.MaxPool2d)]
        assert kinds == [nn.Conv2d, nn.ReLU, nn.BatchNorm2d] * (len(kinds) // 3)


def test_pooling_first_gives_the_first_maps_before_the_relu() -> None:
    kinds = [type(layer) for layer in NeighborMNIST(pool_first=True).features]
    assert kinds[:4] == [nn.Conv2d, nn.MaxPool2d, nn.ReLU, nn.BatchNorm2d]
    assert [type(layer) for layer in NeighborMNIST().features][:4] == [nn.Conv2d, nn.ReLU, nn.BatchNorm2d, nn.MaxPool2d]


def test_the_released_order_is_a_network_of_its_own() -> None:
    for name in ("neighbor-mnist", "neighbor-cifar"):
        table, released = NETWORKS[name](), NETWORKS[f"{name}-released"]()
        assert parameters(table) == parameters(released)
        before = {"table": nn.BatchNorm2d, "released": nn.Conv2d}
        for network, layer in ((table, before["table"]), (released, before["released"])):
            kinds = [type(layer) for layer in network.features]
            pools = [place for place, kind in enumerate(kinds) if kind is nn.MaxPool2d]
            assert [kinds[place - 1] for place in pools] == [layer, layer]


@pytest.mark.parametrize("network_class", [NeighborMNIST, NeighborCIFAR])
def test_pooling_first_is_the_same_function_while_batch_norm_does_not_flip(
    network_class: type[NeighborMNIST | NeighborCIFAR],
) -> None:
    """ReLU and a rising batch-norm keep the order of numbers, so the largest stays the largest."""
    paper, released = network_class().eval(), network_class(pool_first=True).eval()
    channels = 1 if network_class is NeighborMNIST else 3
    copied = zip(released.parameters(), paper.parameters(), strict=True)
    with torch.no_grad():
        for into, out_of in copied:
            into.copy_(out_of)
        images = torch.randn(2, channels, 28, 28, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(released(images), paper(images))


@pytest.mark.parametrize("network_class", [NeighborMNIST, NeighborCIFAR, Neighbor2D])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_from_the_smallest(network_class: type[NeighborMNIST | NeighborCIFAR], channels: int) -> None:
    network = network_class(channels).eval()
    dims = 2 if network_class is Neighbor2D else 128 if network_class is NeighborMNIST else 192
    least = network_class.smallest
    for height, width in [(least, least), (least, least + 9), (31, 20)]:
        points = network(torch.randn(2, channels, height, width, generator=torch.Generator().manual_seed(0)))
        assert points.shape == (2, dims)
        assert points.isfinite().all()


def test_two_dimensions_reach_every_quadrant() -> None:
    points = Neighbor2D().train()(torch.randn(200, 1, 12, 12, generator=torch.Generator().manual_seed(0)))
    centered = points - points.mean(0)
    assert len({tuple(quadrant) for quadrant in (centered > 0).tolist()}) == 4
