"""Network in Network against its paper's section 3 and the sizes of the released ImageNet model."""

from __future__ import annotations

import jaxtyping
import pytest
import torch
from torch import nn

from ilk.networks.nin import NiN

# (maps, side) behind each layer of the released model at 224 pixels.
MAPS = {
    **{"mlpconv1.conv": (96, 54), "mlpconv1.cccp2": (96, 54), "pool1": (96, 27)},
    **{"mlpconv2.conv": (256, 27), "mlpconv2.cccp2": (256, 27), "pool2": (256, 13)},
    **{"mlpconv3.conv": (384, 13), "mlpconv3.cccp2": (384, 13), "pool3": (384, 6)},
    **{"conv4": (1024, 6), "cccp4": (1024, 6)},
}


def on_paper(**options: bool | int) -> NiN:
    """A network without memory: it knows shapes only."""
    with torch.device("meta"):
        return NiN(**options).eval()


def shapes(network: NiN, channels: int = 3) -> dict[str, tuple[int, int]]:
    """(maps, side) after each layer of `features` at 224 pixels."""
    seen: dict[str, tuple[int, int]] = {}
    for name, layer in network.features.named_modules():
        layer.register_forward_hook(lambda _, __, out, name=name: seen.update({name: tuple(out.shape[1:3])}))
    network(torch.zeros(1, channels, 224, 224, device="meta"))
    return seen


def test_parameters_with_a_head_of_1000() -> None:
    """The released model's weights are a file of 29 MiB, four bytes each."""
    count = sum(p.numel() for p in on_paper(dim=1000).parameters())
    assert count == 7_595_176
    assert round(count * 4 / 2**20) == 29


def test_maps_of_the_released_model() -> None:
    seen = shapes(on_paper(channels=1), channels=1)
    assert {name: seen[name] for name in MAPS} == MAPS


def test_maps_of_the_strided_form() -> None:
    network = on_paper(strided=True)
    seen = shapes(network)
    assert [seen[name] for name in ("pool1", "pool2", "pool3")] == [(96, 27), (256, 14), (384, 7)]
    assert not any(isinstance(layer, nn.MaxPool2d) for layer in network.modules())


def test_a_convolution_and_two_of_1x1_in_each_block() -> None:
    kernels = [layer.kernel_size[0] for layer in on_paper().modules() if isinstance(layer, nn.Conv2d)]
    assert kernels == [11, 1, 1, 5, 1, 1, 3, 1, 1, 3, 1, 1]
    block = [type(layer) for layer in on_paper().features.mlpconv2]
    assert block == [nn.Conv2d, nn.ReLU] * 3


def test_no_fully_connected_layer_but_the_average_of_each_map() -> None:
    torch.manual_seed(0)
    network = NiN(1, 7).eval()
    assert not any(isinstance(layer, nn.Linear) for layer in network.modules())
    images = torch.randn(2, 1, 60, 75, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        maps = network.embedding(network.features(images))
        assert maps.shape[2] * maps.shape[3] > 1
        torch.testing.assert_close(network(images), maps.mean((2, 3)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("strided", [False, True])
def test_smallest_size(strided: bool) -> None:
    network = on_paper(strided=strided)
    assert NiN.smallest == 39
    assert network(torch.zeros(1, 3, 39, 60, device="meta")).shape == (1, 128)
    if not strided:  # whose padding lets smaller ones through
        with pytest.raises(RuntimeError):
            network(torch.zeros(1, 3, 38, 60, device="meta"))


@pytest.mark.parametrize("strided", [False, True])
def test_each_image_counts_alone_and_gradients_reach_every_parameter(
    strided: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # what is traced has no shape
    torch.manual_seed(0)
    network = NiN(1, 5, strided=strided, dropout=0.0).eval()
    images = torch.randn(2, 1, 60, 50, generator=torch.Generator().manual_seed(0))
    points = network(images)
    assert (points[0] - points[1]).abs().max() > 1e-3
    with torch.no_grad():
        alone = torch.cat([network(images[:1]), network(images[1:])])
        torch.testing.assert_close(points, alone, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(torch.fx.symbolic_trace(network)(images), points, rtol=1e-5, atol=1e-7)
    points.square().sum().backward()
    assert [name for name, p in network.named_parameters() if not (p.grad.isfinite().all() and p.grad.any())] == []
