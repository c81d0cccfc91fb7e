"""Both AlexNets against section 3 and figure 2 of the paper, and against the layout that torchvision publishes."""

from __future__ import annotations

import jaxtyping
import pytest
import torch
from torch import Tensor, nn

from ilk.networks.alexnet import AlexNet, AlexNet2012, response_norm

BOTH = [AlexNet, AlexNet2012]

# (maps, side) behind each layer: figure 2 of the paper at 227 pixels, torchvision's layout at 224.
MAPS_2012 = {
    **{"conv1": (96, 55), "norm1": (96, 55), "pool1": (96, 27)},
    **{"conv2": (256, 27), "norm2": (256, 27), "pool2": (256, 13)},
    **{"conv3": (384, 13), "conv4": (384, 13), "conv5": (256, 13), "pool5": (256, 6)},
}
MAPS = {
    **{"conv1": (64, 55), "pool1": (64, 27), "conv2": (192, 27), "pool2": (192, 13)},
    **{"conv3": (384, 13), "conv4": (256, 13), "conv5": (256, 13), "pool5": (256, 6)},
}


def on_paper(network_class: type[AlexNet | AlexNet2012], **options: bool | float) -> AlexNet | AlexNet2012:
    """A network without memory: it knows shapes only."""
    with torch.device("meta"):
        return network_class(**options).eval()


def shapes(network: nn.Module, channels: int = 3) -> dict[str, tuple[int, int]]:
    """(maps, side) after each layer of `features`, at the paper's size."""
    seen: dict[str, tuple[int, int]] = {}
    for name, layer in network.features.named_children():
        layer.register_forward_hook(lambda _, __, out, name=name: seen.update({name: tuple(out.shape[1:3])}))
    network(torch.zeros(1, channels, network.paper_size, network.paper_size, device="meta"))
    return seen


@pytest.mark.parametrize(("network_class", "count"), [(AlexNet, 61_100_840), (AlexNet2012, 60_965_224)])
def test_parameters_with_a_head_of_1000(network_class: type[AlexNet | AlexNet2012], count: int) -> None:
    assert sum(p.numel() for p in on_paper(network_class, dim=1000).parameters()) == count


@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize(("network_class", "maps"), [(AlexNet, MAPS), (AlexNet2012, MAPS_2012)])
def test_maps_of_the_paper(
    network_class: type[AlexNet | AlexNet2012], maps: dict[str, tuple[int, int]], strided: bool
) -> None:
    seen = shapes(on_paper(network_class, channels=1, strided=strided), channels=1)
    assert {name: seen[name] for name in maps} == maps


def test_order_of_the_layers() -> None:
    order = ["conv1", "relu1", "norm1", "pool1", "conv2", "relu2", "norm2", "pool2"]
    order += ["conv3", "relu3", "conv4", "relu4", "conv5", "relu5", "pool5"]
    assert [name for name, _ in on_paper(AlexNet2012).features.named_children()] == order
    in_one_column = [name for name in order if not name.startswith("norm")]
    assert [name for name, _ in on_paper(AlexNet).features.named_children()] == in_one_column


def test_kernels_and_columns_of_2012() -> None:
    """Section 3.5: 11×11×3 with stride 4, 5×5×48, 3×3×256, 3×3×192, 3×3×192."""
    convs = [layer for layer in on_paper(AlexNet2012).features if isinstance(layer, nn.Conv2d)]
    kernels = [(96, 3, 11, 11), (256, 48, 5, 5), (384, 256, 3, 3), (384, 192, 3, 3), (256, 192, 3, 3)]
    assert [tuple(conv.weight.shape) for conv in convs] == kernels
    assert [conv.stride for conv in convs] == [(4, 4)] + [(1, 1)] * 4
    pools = [layer for layer in on_paper(AlexNet2012).features if isinstance(layer, nn.MaxPool2d)]
    assert [(pool.kernel_size, pool.stride) for pool in pools] == [(3, 2)] * 3


def test_response_normalization_as_printed() -> None:
    """Section 3.3: b_i = a_i / (k + α Σ a_j²)^β over j from max(0, i − n/2) to min(N − 1, i + n/2)."""
    maps = 40 * torch.rand(2, 9, 3, 2, generator=torch.Generator().manual_seed(0))
    expected = torch.empty_like(maps)
    k, n, alpha, beta = 2, 5, 1e-4, 0.75
    for i in range(9):
        total = sum((maps[:, j] ** 2 for j in range(max(0, i - n // 2), min(8, i + n // 2) + 1)), torch.tensor(0.0))
        expected[:, i] = maps[:, i] / (k + alpha * total) ** beta
    torch.testing.assert_close(response_norm()(maps), expected)


@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize(("network_class", "least"), [(AlexNet, 63), (AlexNet2012, 67)])
def test_smallest_size(network_class: type[AlexNet | AlexNet2012], least: int, strided: bool) -> None:
    network = on_paper(network_class, strided=strided)
    assert network_class.smallest == least
    assert network(torch.zeros(1, 3, least, least + 30, device="meta")).shape == (1, 128)
    with pytest.raises(RuntimeError):
        network(torch.zeros(1, 3, least - 1, least + 30, device="meta"))


@pytest.mark.parametrize("network_class", BOTH)
def test_the_pool_before_the_classifier_changes_nothing_at_the_paper_s_size(
    network_class: type[AlexNet | AlexNet2012],
) -> None:
    maps = torch.randn(1, 256, 6, 6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(on_paper(network_class).pool(maps), maps)


@pytest.mark.parametrize("network_class", BOTH)
def test_dropout_is_the_paper_s_or_the_caller_s(network_class: type[AlexNet | AlexNet2012]) -> None:
    for options, share in (({}, 0.5), ({"dropout": 0.0}, 0)):
        layers = on_paper(network_class, **options).modules()
        assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [share, share]


@pytest.fixture(scope="module", params=[(AlexNet, False), (AlexNet2012, True)], ids=["alexnet", "alexnet-2012-strided"])
def network(request: pytest.FixtureRequest) -> AlexNet | AlexNet2012:
    torch.manual_seed(0)
    network_class, strided = request.param
    return network_class(1, 5, strided=strided)


def images(count: int) -> Tensor:
    return torch.randn(count, 1, 67, 80, generator=torch.Generator().manual_seed(count))


def test_each_image_is_answered_alone_and_traced_alike(
    network: AlexNet | AlexNet2012, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # what is traced has no shape
    network.eval()
    graph = torch.fx.symbolic_trace(network)
    with torch.no_grad():
        together, alone = network(images(3)), torch.cat([network(image[None]) for image in images(3)])
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(graph(images(3)), together, rtol=1e-5, atol=1e-7)
        last = images(3).contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(network(last), together, rtol=1e-4, atol=1e-6)
    assert (together[0] - together[1]).abs().max() > 1e-3
    assert {"features.conv1", "classifier.fc7", "embedding"} <= {node.target for node in graph.graph.nodes}


def test_gradients_reach_every_parameter(network: AlexNet | AlexNet2012) -> None:
    network.zero_grad()
    network.train()(images(2)).square().sum().backward()
    assert [name for name, p in network.named_parameters() if not (p.grad.isfinite().all() and p.grad.any())] == []
