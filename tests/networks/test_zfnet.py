"""ZFNet against figure 3 of its paper."""

from __future__ import annotations

import jaxtyping
import pytest
import torch
from torch import nn

from ilk.networks.zfnet import ZFNet

# (maps, side) behind each layer, as figure 3 writes them.
MAPS = {
    **{"conv1": (96, 110), "pool1": (96, 55), "norm1": (96, 55), "conv2": (256, 26), "pool2": (256, 13)},
    **{"norm2": (256, 13), "conv3": (384, 13), "conv4": (384, 13), "conv5": (256, 13), "pool5": (256, 6)},
}


def on_paper(**options: bool | int) -> ZFNet:
    """A network without memory: it knows shapes only."""
    with torch.device("meta"):
        return ZFNet(**options).eval()


def test_parameters_with_a_head_of_1000() -> None:
    """The paper gives no total; its layers make 62.4 million, AlexNet's and the links that groups save there."""
    assert sum(p.numel() for p in on_paper(dim=1000).parameters()) == 62_357_608


@pytest.mark.parametrize("strided", [False, True])
def test_maps_of_figure_3(strided: bool) -> None:
    network, seen = on_paper(channels=1, strided=strided), {}
    for name, layer in network.features.named_children():
        layer.register_forward_hook(lambda _, __, out, name=name: seen.update({name: tuple(out.shape[1:3])}))
    assert network(torch.zeros(1, 1, 224, 224, device="meta")).shape == (1, 128)
    assert {name: seen[name] for name in MAPS} == MAPS


def test_kernels_of_figure_3() -> None:
    convs = [layer for layer in on_paper().features if isinstance(layer, nn.Conv2d)]
    assert [conv.kernel_size[0] for conv in convs] == [7, 5, 3, 3, 3]
    assert [conv.stride[0] for conv in convs] == [2, 2, 1, 1, 1]
    assert [conv.groups for conv in convs] == [1] * 5
    fully_connected = [layer for layer in on_paper().modules() if isinstance(layer, nn.Linear)]
    assert [layer.in_features for layer in fully_connected] == [256 * 6 * 6, 4096, 4096]


def test_each_stage_is_rectified_then_pooled_then_normalized() -> None:
    names = [name for name, _ in on_paper().features.named_children()]
    assert names[:8] == ["conv1", "relu1", "pool1", "norm1", "conv2", "relu2", "pool2", "norm2"]


@pytest.mark.parametrize("strided", [False, True])
def test_smallest_size(strided: bool) -> None:
    network = on_paper(strided=strided)
    assert ZFNet.smallest == 53
    assert network(torch.zeros(1, 3, 53, 90, device="meta")).shape == (1, 128)
    with pytest.raises(RuntimeError):
        network(torch.zeros(1, 3, 52, 90, device="meta"))


def test_each_image_counts_alone_and_gradients_reach_every_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # what is traced has no shape
    torch.manual_seed(0)
    network = ZFNet(1, 5, dropout=0.0).eval()
    images = torch.randn(2, 1, 53, 60, generator=torch.Generator().manual_seed(0))
    points = network(images)
    assert (points[0] - points[1]).abs().max() > 1e-3
    with torch.no_grad():
        alone = torch.cat([network(images[:1]), network(images[1:])])
        torch.testing.assert_close(points, alone, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(torch.fx.symbolic_trace(network)(images), points, rtol=1e-5, atol=1e-7)
    points.square().sum().backward()
    assert [name for name, p in network.named_parameters() if not (p.grad.isfinite().all() and p.grad.any())] == []
