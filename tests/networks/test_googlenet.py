"""Table 1 of the GoogLeNet paper: sizes of the maps, work of each row, and the laws of an embedding network."""

from __future__ import annotations

import pytest
import torch
from jaxtyping import config as jaxtyping_config
from torch import Tensor, nn

from ilk.networks.googlenet import GoogLeNet, Inception, halving
from ilk.networks.initialization import he_start

# Row: (maps, side, thousands of parameters, millions of multiply-adds), as printed; pools without the last two.
TABLE_1 = {
    "conv1": (64, 112, None, None),  # printed as 2.7K and 34M, which no 7×7 convolution of 3 channels to 64 can be
    "pool1": (64, 56, None, None),
    "norm1": (64, 56, None, None),  # the normalizations stand in figure 3
    "conv2": (192, 56, 112, 360),
    "norm2": (192, 56, None, None),
    "pool2": (192, 28, None, None),
    "inception_3a": (256, 28, 159, 128),
    "inception_3b": (480, 28, 380, 304),
    "pool3": (480, 14, None, None),
    "inception_4a": (512, 14, 364, 73),
    "inception_4b": (512, 14, 437, 88),
    "inception_4c": (512, 14, 463, 100),
    "inception_4d": (528, 14, 580, 119),
    "inception_4e": (832, 14, 840, 170),
    "pool4": (832, 7, None, None),
    "inception_5a": (832, 7, 1072, 54),
    "inception_5b": (1024, 7, 1388, 71),
    "average": (1024, 1, None, None),
}


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def weights(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.ndim > 1)


def maps_of(network: nn.Module, size: int) -> dict[str, tuple[int, int]]:
    """(maps, side) that each of the network's stages gives for one image."""
    seen: dict[str, tuple[int, int]] = {}
    for name, stage in network.named_children():
        stage.register_forward_hook(lambda _, __, out, name=name: seen.update({name: (out.shape[1], out.shape[-1])}))
    with torch.no_grad():
        network.eval()(noise(1, 3, size, size))
    return seen


def test_sizes_of_the_maps_as_in_table_1() -> None:
    seen = maps_of(GoogLeNet(), 224)
    assert {row: seen[row] for row in TABLE_1} == {row: (maps, side) for row, (maps, side, _, _) in TABLE_1.items()}


def test_strided_convolutions_give_the_same_maps_as_the_pools() -> None:
    assert maps_of(GoogLeNet(strided=True), 224) == maps_of(GoogLeNet(), 224)


def test_each_row_costs_what_table_1_prints() -> None:
    """Multiply-adds to the printed digit but in 5a; parameters, in units of 1024, agree less well with the paper's own
    multiply-adds (4c: 100M over 14×14 positions are 510,000 weights, printed as 463K), so 10% is all to be had.
    """
    network = GoogLeNet()
    for row, (_, side, thousands, millions) in TABLE_1.items():
        if thousands is not None and millions is not None:
            held = weights(getattr(network, row))
            assert held / 1024 == pytest.approx(thousands, rel=0.1), row
            assert held * side**2 / 1e6 == pytest.approx(millions, rel=0.06 if row == "inception_5a" else 0.01), row


def test_parameters_with_a_thousand_outputs() -> None:
    assert parameters(GoogLeNet(dim=1000)) == 6_998_552
    # What the table's column adds up to, 6,798 units of 1024, is 0.5% less: see the rows above.
    assert parameters(GoogLeNet(dim=1000)) == pytest.approx(6798 * 1024, rel=0.006)


def test_an_inception_module_is_its_four_branches_side_by_side() -> None:
    module = Inception(5, 2, (3, 4), (1, 6), 7)
    maps = noise(2, 5, 9, 8)
    parts = [module.branch_1x1(maps), module.branch_3x3(maps), module.branch_5x5(maps), module.branch_pool(maps)]
    assert [part.shape[1] for part in parts] == [2, 4, 6, 7]
    assert torch.equal(module(maps), torch.cat(parts, dim=1))
    windows = [layer.kernel_size for layer in module.modules() if isinstance(layer, nn.Conv2d)]
    assert windows == [(1, 1), (1, 1), (3, 3), (1, 1), (5, 5), (1, 1)]
    assert sum(isinstance(layer, nn.ReLU) for layer in module.modules()) == 6


def test_halving_rounds_up_and_the_learned_form_is_rectified() -> None:
    maps = noise(2, 4, 9, 6)
    assert halving(4, strided=False)(maps)[0, 0, 4, 0] == maps[0, 0, 7:9, 0:2].max()
    learned = halving(4, strided=True)(maps)
    assert learned.shape == (2, 4, 5, 3)
    assert learned.min() == 0 < learned.max()


@pytest.mark.parametrize("strided", [False, True])
def test_gradients_reach_every_parameter(strided: bool) -> None:
    network = GoogLeNet(channels=1, dim=5, strided=strided)
    network(noise(2, 1, 64, 64)).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_strided_leaves_no_pool_that_halves() -> None:
    pools = [layer for layer in GoogLeNet(strided=True).modules() if isinstance(layer, nn.MaxPool2d)]
    assert [pool.stride for pool in pools] == [1] * 9
    assert parameters(GoogLeNet(strided=True)) - parameters(GoogLeNet()) == sum(
        9 * maps**2 + maps for maps in (64, 192, 480, 832)
    )


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 1, 1), (3, 1, 9), (2, 33, 50)])
@pytest.mark.parametrize("dim", [2, 128])
def test_any_size_channels_and_dimensions(channels: int, height: int, width: int, dim: int) -> None:
    points = GoogLeNet(channels, dim).eval()(noise(2, channels, height, width))
    assert points.shape == (2, dim)
    assert points.isfinite().all()


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(RuntimeError, match="size"):
        GoogLeNet()(torch.zeros(1, 3, GoogLeNet.smallest - 1, GoogLeNet.smallest - 1))


def test_the_signal_neither_dies_nor_explodes() -> None:
    network = GoogLeNet().eval()
    deepest: list[Tensor] = []
    network.inception_5b.register_forward_hook(lambda _, __, out: deepest.append(out))
    network(noise(2, 3, 64, 64))
    assert 0.05 < deepest[0].std() < 20
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.Conv2d.reset_parameters(layer)
    network(noise(2, 3, 64, 64))
    assert deepest[1].std() < 0.05  # PyTorch's default, against which he_start stands
    he_start(network)
    network(noise(2, 3, 64, 64))
    assert 0.05 < deepest[2].std() < 20


def test_dropout_works_in_training_alone() -> None:
    network, images = GoogLeNet(), noise(2, 3, 32, 32)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        assert not torch.equal(network.train()(images), network(images))
        assert torch.equal(network.eval()(images), network(images))
        assert torch.equal(GoogLeNet(dropout=0.0)(images).isfinite(), torch.ones(2, 128, dtype=torch.bool))


def test_an_image_has_the_same_point_in_any_company() -> None:
    network, images = GoogLeNet().eval(), noise(3, 3, 48, 48)
    with torch.no_grad():
        torch.testing.assert_close(network(images)[1:2], network(images[1:2]), rtol=1e-4, atol=1e-5)


def test_torch_fx_traces_it_layer_by_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping_config, "jaxtyping_disable", True)
    network, images = GoogLeNet(strided=True).eval(), noise(1, 3, 40, 40)
    traced = torch.fx.symbolic_trace(network)
    assert torch.equal(traced(images), network(images))
    called = {node.target for node in traced.graph.nodes if node.op == "call_module"}
    assert {"conv1.conv", "pool1.conv", "inception_3a.branch_pool.conv", "inception_5b.branch_5x5.reduce"} <= called
