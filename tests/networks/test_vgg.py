"""VGG against table 1 of its paper: configurations, sizes of the maps, numbers of parameters."""

from __future__ import annotations

import jaxtyping
import pytest
import torch
from torch import nn

from ilk.networks.vgg import VGG, VGG11, VGG11BN, VGG13, VGG13BN, VGG16, VGG16BN, VGG19, VGG19BN

ALL = [VGG11, VGG13, VGG16, VGG19, VGG11BN, VGG13BN, VGG16BN, VGG19BN]

PARAMETERS = {
    VGG11: 132_863_336,
    VGG13: 133_047_848,
    VGG16: 138_357_544,
    VGG19: 143_667_240,
    VGG11BN: 132_868_840,
    VGG13BN: 133_053_736,
    VGG16BN: 138_365_992,
    VGG19BN: 143_678_248,
}

# Table 1, columns A, B, D and E: the maps of each convolution, M for a max-pool.
COLUMNS = {
    VGG11: "64 M 128 M 256 256 M 512 512 M 512 512 M",
    VGG13: "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    VGG16: "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    VGG19: "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


def on_paper(network_class: type[VGG], *, dim: int = 128, channels: int = 3, strided: bool = False) -> VGG:
    """A network without memory: it knows shapes only."""
    with torch.device("meta"):
        return network_class(channels, dim, strided=strided).eval()


def shapes(network: VGG, side: int) -> dict[str, tuple[int, ...]]:
    """(maps, height, width) after each layer of `features` for one image."""
    seen: dict[str, tuple[int, ...]] = {}
    for name, layer in network.features.named_children():
        layer.register_forward_hook(lambda _, __, out, name=name: seen.update({name: tuple(out.shape[1:])}))
    network(torch.zeros(1, 3, side, side, device="meta"))
    return seen


@pytest.mark.parametrize("network_class", ALL)
def test_parameters_with_a_head_of_1000(network_class: type[VGG]) -> None:
    network = on_paper(network_class, dim=1000)
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS[network_class]


@pytest.mark.parametrize("network_class", COLUMNS)
def test_columns_of_table_1(network_class: type[VGG]) -> None:
    column = []
    for layer in on_paper(network_class).features:
        if isinstance(layer, nn.Conv2d):
            assert (layer.kernel_size, layer.stride, layer.padding) == ((3, 3), (1, 1), (1, 1))
            column.append(str(layer.out_channels))
        elif isinstance(layer, nn.MaxPool2d):
            assert (layer.kernel_size, layer.stride) == (2, 2)
            column.append("M")
        else:
            assert isinstance(layer, nn.ReLU)
    assert column == COLUMNS[network_class].split()


@pytest.mark.parametrize("strided", [False, True])
def test_maps_at_224(strided: bool) -> None:
    seen = shapes(on_paper(VGG16, strided=strided), 224)
    assert seen["conv1_1"] == seen["relu1_2"] == (64, 224, 224)
    assert seen["pool1"] == (64, 112, 112)
    assert seen["pool2"] == (128, 56, 56)
    assert seen["pool3"] == (256, 28, 28)
    assert seen["conv4_1"] == (512, 28, 28)
    assert seen["pool4"] == (512, 14, 14)
    assert seen["pool5"] == (512, 7, 7)


def test_batch_norm_stands_between_convolution_and_relu() -> None:
    kinds = [type(layer) for layer in on_paper(VGG13BN).features if not isinstance(layer, nn.MaxPool2d)]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] * 10


def test_strided_learns_each_pool_on_as_many_maps() -> None:
    network = on_paper(VGG11, strided=True)
    assert not any(isinstance(layer, nn.MaxPool2d) for layer in network.modules())
    pool = network.features.pool3
    assert (pool.conv.kernel_size, pool.conv.stride, pool.conv.padding) == ((2, 2), (2, 2), (0, 0))
    assert pool.conv.in_channels == pool.conv.out_channels == 256
    assert isinstance(pool.relu, nn.ReLU)


@pytest.mark.parametrize("strided", [False, True])
def test_smallest_size(strided: bool) -> None:
    network = on_paper(VGG19, strided=strided)
    assert VGG19.smallest == 32
    assert network(torch.zeros(1, 3, 32, 45, device="meta")).shape == (1, 128)
    with pytest.raises(RuntimeError):
        network(torch.zeros(1, 3, 31, 45, device="meta"))


def test_dropout_is_the_paper_s_or_the_caller_s() -> None:
    with torch.device("meta"):
        networks = {0.5: VGG11(), 0.1: VGG11(dropout=0.1)}
    for share, network in networks.items():
        assert [layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)] == [share, share]


def test_tracing_keeps_the_layers_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # what is traced has no shape
    graph = torch.fx.symbolic_trace(on_paper(VGG16BN)).graph
    names = [node.target for node in graph.nodes if node.op == "call_module"]
    assert names[:3] == ["features.conv1_1", "features.norm1_1", "features.relu1_1"]
    assert names[-2:] == ["classifier.drop7", "embedding"]


@pytest.fixture(scope="module")
def small() -> VGG:
    torch.manual_seed(0)
    return VGG11BN(channels=1, dim=5)


def test_each_image_is_answered_alone(small: VGG) -> None:
    images = torch.randn(3, 1, 32, 40, generator=torch.Generator().manual_seed(0))
    small.eval()
    with torch.no_grad():
        together, alone = small(images), torch.cat([small(image[None]) for image in images])
    assert together.shape == (3, 5)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-6)
    assert (together[0] - together[1]).abs().max() > 1e-4


def test_gradients_reach_every_parameter(small: VGG) -> None:
    small.train()(torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    assert [name for name, p in small.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    # A bias in front of a batch-norm in training moves nothing.
    silent = [name for name, p in small.named_parameters() if not p.grad.any()]
    assert [name for name in silent if not (name.startswith("features.conv") and name.endswith(".bias"))] == []


def test_initial_weights_keep_the_scale_of_the_signal() -> None:
    """He 2015: the mean square of a standard normal image is not lost in 13 convolutions; nor do their biases help."""
    torch.manual_seed(0)
    features = VGG16().features
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert 0.1 < features(images).square().mean() < 10
    assert all(not layer.bias.any() for layer in features if isinstance(layer, nn.Conv2d))
