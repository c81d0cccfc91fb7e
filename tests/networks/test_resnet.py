"""Table 1 of the ResNet paper: sizes of the maps, parameters, what a block adds, and torchvision's names."""

from __future__ import annotations

import pytest
import torch
from jaxtyping import config as jaxtyping_config
from torch import Tensor, nn

from ilk.networks.resnet import (
    BasicBlock,
    Bottleneck,
    ResNet,
    ResNet18,
    ResNet34,
    ResNet50,
    ResNet101,
    ResNet152,
)

PARAMETERS = {
    ResNet18: 11_689_512,
    ResNet34: 21_797_672,
    ResNet50: 25_557_032,
    ResNet101: 44_549_160,
    ResNet152: 60_192_808,
}
BILLIONS_OF_MULTIPLY_ADDS = {ResNet18: 1.8, ResNet34: 3.6, ResNet50: 3.8, ResNet101: 7.6, ResNet152: 11.3}
HALVING = {"layer2.0.conv1", "layer3.0.conv1", "layer4.0.conv1"}
EVERY = list(PARAMETERS)


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize("network_class", EVERY)
def test_parameters_and_layers_with_a_thousand_outputs(network_class: type[ResNet]) -> None:
    with torch.device("meta"):
        network = network_class(dim=1000)
    assert parameters(network) == PARAMETERS[network_class]
    counted = [
        name
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear) and "downsample" not in name
    ]
    assert len(counted) == int(network_class.__name__.removeprefix("ResNet"))


@pytest.mark.parametrize("network_class", EVERY)
def test_maps_and_work_as_in_table_1(network_class: type[ResNet]) -> None:
    """On the meta device, where shapes alone flow. The paper counts multiply-adds, with the stride on the first 1×1."""
    seen: dict[str, tuple[int, ...]] = {}
    work = 0

    def note(name: str, layer: nn.Module, out: Tensor) -> None:
        nonlocal work
        seen[name] = tuple(out.shape[1:])
        if isinstance(layer, nn.Conv2d):
            smaller_in_the_paper = network_class.block is Bottleneck and name in HALVING
            work += layer.weight.numel() * out[0, 0].numel() // (4 if smaller_in_the_paper else 1)

    with torch.device("meta"):
        network = network_class().eval()
        for name, layer in network.named_modules():
            layer.register_forward_hook(lambda layer, _, out, name=name: note(name, layer, out))
        network(torch.zeros(1, 3, 224, 224))
    wide = 4 if network_class.block is Bottleneck else 1
    assert seen["conv1"] == (64, 112, 112)
    assert seen["maxpool"] == (64, 56, 56)
    assert seen["layer1"] == (64 * wide, 56, 56)
    assert seen["layer2"] == (128 * wide, 28, 28)
    assert seen["layer3"] == (256 * wide, 14, 14)
    assert seen["layer4"] == (512 * wide, 7, 7)
    assert seen["avgpool"] == (512 * wide, 1, 1)
    assert work / 1e9 == pytest.approx(BILLIONS_OF_MULTIPLY_ADDS[network_class], rel=0.03)


@pytest.mark.parametrize(("block_class", "out"), [(BasicBlock, 8), (Bottleneck, 32)])
def test_a_block_whose_change_is_zero_hands_its_input_on(block_class: type[BasicBlock | Bottleneck], out: int) -> None:
    block = block_class(out, 8).eval()
    last = block.bn2 if isinstance(block, BasicBlock) else block.bn3
    nn.init.zeros_(last.weight)
    maps = noise(2, out, 5, 6)
    assert torch.equal(block(maps), maps.relu())
    assert block.downsample is None


@pytest.mark.parametrize(("block_class", "out"), [(BasicBlock, 8), (Bottleneck, 32)])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_block_that_changes_the_maps_projects_its_input(
    block_class: type[BasicBlock | Bottleneck], out: int, stride: int
) -> None:
    block = block_class(4, 8, stride).eval()
    assert block.downsample is not None
    last = block.bn2 if isinstance(block, BasicBlock) else block.bn3
    nn.init.zeros_(last.weight)
    maps = noise(2, 4, 7, 6)
    assert block(maps).shape == (2, out, -(-7 // stride), 6 // stride)
    kernel = block.downsample[0].weight[:, :, 0, 0]  # eval-mode batch-norm at its start divides by √(1 + 1e-5)
    expected = torch.einsum("oc,bcyx->boyx", kernel, maps[:, :, ::stride, ::stride]).relu()
    torch.testing.assert_close(block(maps), expected, rtol=1e-4, atol=1e-5)


def test_the_names_and_shapes_are_those_of_published_weights() -> None:
    held = {name: tuple(value.shape) for name, value in ResNet50(dim=1000).state_dict().items()}
    assert len(held) == 320
    assert held["conv1.weight"] == (64, 3, 7, 7)
    assert held["bn1.running_mean"] == (64,)
    assert held["layer1.0.downsample.0.weight"] == (256, 64, 1, 1)
    assert held["layer1.0.downsample.1.num_batches_tracked"] == ()
    assert held["layer3.5.conv2.weight"] == (256, 256, 3, 3)
    assert held["layer4.2.bn3.bias"] == (2048,)
    assert held["fc.weight"] == (1000, 2048)
    assert len(ResNet18().state_dict()) == 122


@pytest.mark.parametrize(("block", "convolutions"), [(BasicBlock(8, 8), 2), (Bottleneck(32, 8), 3)])
def test_batch_norm_follows_each_convolution_and_relu_each_sum(
    block: BasicBlock | Bottleneck, convolutions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaxtyping_config, "jaxtyping_disable", True)
    steps = [str(node.target) for node in torch.fx.symbolic_trace(block).graph.nodes if node.op == "call_module"]
    assert steps == [f"{kind}{number}" for number in range(1, convolutions + 1) for kind in ("conv", "bn", "relu")]


def test_bottlenecks_halve_the_map_in_the_3x3_convolution() -> None:
    block = Bottleneck(16, 8, stride=2)
    assert [layer.stride[0] for layer in (block.conv1, block.conv2, block.conv3)] == [1, 2, 1]


@pytest.mark.parametrize(("network_class", "strided"), [(ResNet18, False), (ResNet18, True), (ResNet50, False)])
def test_gradients_reach_every_parameter(network_class: type[ResNet], strided: bool) -> None:
    network = network_class(1, 5, strided=strided)
    points = network(noise(2, 1, 64, 64))
    assert points.shape == (2, 5)
    points.square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_strided_puts_a_convolution_with_batch_norm_and_relu_for_the_pool() -> None:
    network = ResNet18(strided=True)
    assert not any(isinstance(layer, nn.MaxPool2d) for layer in network.modules())
    assert parameters(network) - parameters(ResNet18()) == 9 * 64 * 64 + 2 * 64
    maps = noise(1, 64, 9, 8)
    assert network.maxpool(maps).shape == ResNet18().maxpool(maps).shape == (1, 64, 5, 4)
    assert network.maxpool(maps).min() == 0


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 1, 1), (3, 1, 9), (2, 33, 50)])
@pytest.mark.parametrize("network_class", [ResNet18, ResNet50])
def test_any_size_channels_and_dimensions(network_class: type[ResNet], channels: int, height: int, width: int) -> None:
    for training in (True, False):
        points = network_class(channels, 7).train(training)(noise(2, channels, height, width))
        assert points.shape == (2, 7)
        assert points.isfinite().all()


def test_an_image_without_pixels_is_refused() -> None:
    with pytest.raises(RuntimeError):
        ResNet18().eval()(torch.zeros(1, 3, ResNet.smallest - 1, ResNet.smallest - 1))


@pytest.mark.parametrize("network_class", [ResNet18, ResNet50])
def test_at_rest_an_image_has_the_same_point_in_any_company(network_class: type[ResNet]) -> None:
    network, images = network_class().eval(), noise(3, 3, 48, 48)
    with torch.no_grad():
        together = network(images)
        torch.testing.assert_close(together[1:2], network(images[1:2]), rtol=1e-4, atol=1e-5)
        assert (together[0] - together[1]).norm() > 1e-4


@pytest.mark.parametrize("network_class", [ResNet18, ResNet50])
def test_torch_fx_traces_it_layer_by_layer(network_class: type[ResNet], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping_config, "jaxtyping_disable", True)
    network, images = network_class(strided=True).eval(), noise(1, 3, 40, 40)
    traced = torch.fx.symbolic_trace(network)
    assert torch.equal(traced(images), network(images))
    called = [node.target for node in traced.graph.nodes if node.op == "call_module"]
    assert len(called) == len(set(called))  # no layer is used twice, so that a name means one place
    assert {"maxpool.conv", "layer1.0.relu2", "layer4.1.conv2", "fc"} <= set(called)
