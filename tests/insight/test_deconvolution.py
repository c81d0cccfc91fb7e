"""The explicit walk back through a network, judged by autograd with rectified signals, by hand and by captum."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ilk.errors import ShapeError, UsageError
from ilk.insight.deconvolution import deconvolve
from ilk.insight.units import conv_layers
from ilk.networks import NeighborCIFAR, NeighborMNIST, build
from ilk.networks.facenet import L2Pool
from ilk.networks.mean_subtraction import subtract_mean
from tests.insight.rectified import gradient_view


class Branches(nn.Module):
    """Inception-like: branches of every kind side by side, one of them pooled by L2."""

    def __init__(self) -> None:
        super().__init__()
        self.narrow = nn.Sequential(nn.Conv2d(4, 3, 1), nn.ReLU())
        self.tall = nn.Sequential(nn.Conv2d(4, 5, (5, 1), padding=(2, 0)), nn.BatchNorm2d(5), nn.ReLU())
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, padding=1), nn.Conv2d(4, 2, 1), nn.ReLU())
        self.rooted = L2Pool()

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat([self.narrow(maps), self.tall(maps), self.pooled(maps), self.rooted(maps)], 1)


class Residual(nn.Module):
    """A scaled residual that works in place where the ResNets do."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = nn.Sequential(nn.Conv2d(14, 14, 3, padding=1, groups=2), nn.BatchNorm2d(14))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        out = 0.3 * self.inside(maps)
        out += maps
        return self.relu(out)


def everything() -> nn.Sequential:
    """Every step that a deconvolution knows, in one network."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=3, padding=1),  # its last rows and columns go unused
        nn.ReLU(inplace=True),
        nn.LocalResponseNorm(3, alpha=0.5, k=2.0),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(6, 4, 3, padding="same", dilation=2),
        nn.BatchNorm2d(4, affine=False),
        nn.ReLU(),
        nn.AvgPool2d(3, 1, padding=1, count_include_pad=False),
        Branches(),
        nn.Dropout(),
        Residual(),
        nn.AvgPool2d(2, 2),
        nn.AdaptiveAvgPool2d((4, 3)),
        nn.Conv2d(14, 7, 2),
        nn.BatchNorm2d(7),
        nn.ReLU(),
    )


def random_weights(network: nn.Module, seed: int = 0) -> nn.Module:
    """Every number that a trained network would have, the running statistics too, drawn anew; float64."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        for tensor in [*module.parameters(recurse=False)]:
            tensor.data.copy_(torch.randn(tensor.shape, generator=generator) * 0.4)
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(torch.randn(module.running_mean.shape, generator=generator) * 0.3)
            module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) + 0.2)
    return network.double().eval()


def noise(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


CASES = {
    "everything's last": (everything, (2, 3, 41, 38), "13", "15"),
    "everything's residual": (everything, (2, 3, 41, 38), "10.inside.0", "10.inside.1"),
    "everything's branch": (everything, (2, 3, 41, 38), "8.tall.0", "8.tall.2"),
    "everything's first": (everything, (2, 3, 41, 38), "0", "1"),
    "MNIST": (lambda: NeighborMNIST(1), (3, 1, 28, 28), "features.14", "features.15"),
    "MNIST, pooled first": (lambda: NeighborMNIST(1, pool_first=True), (3, 1, 28, 28), "features.10", "features.10"),
    "CIFAR": (lambda: NeighborCIFAR(3), (1, 3, 32, 32), "features.23", "features.24"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "shape", "layer", "reads"), CASES.values(), ids=CASES.keys())
def test_it_equals_the_gradient_with_rectified_signals(make, shape, layer: str, reads: str) -> None:
    network, images = random_weights(make()), noise(*shape)
    last = network.get_submodule(layer).out_channels
    compared = 0
    for start in range(0, last, 2):
        units = [(start + i) % last for i in range(shape[0])]
        expected = gradient_view(network, images, reads, units)
        found = deconvolve(network, images, layer, units).pixels
        assert torch.allclose(found, expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max().clamp_min(1)))
        compared += int((expected != 0).any())
        if start >= 12:
            break
    assert compared > 0, "every unit was silent"


def test_in_float32_it_still_equals_it_to_1e_5() -> None:
    torch.manual_seed(0)
    network = NeighborMNIST(1).eval()
    images = noise(8, 1, 28, 28).float()
    units = list(range(8))
    expected = gradient_view(network, images, "features.15", units)
    assert expected.abs().max() > 1e-4
    assert (deconvolve(network, images, "features.14", units).pixels - expected).abs().max() < 1e-5


def test_unpooling_is_that_of_pytorch_where_windows_do_not_overlap() -> None:
    network = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 1, 1, bias=False))
    network[1].weight.data.fill_(3.0)
    images = noise(1, 1, 6, 6).float().abs()
    pooled, switches = F.max_pool2d(images, 2, return_indices=True)
    alone = torch.zeros_like(pooled)
    alone[0, 0, 1, 2] = 3 * (3 * pooled[0, 0, 1, 2])  # its activity, times the filter
    assert torch.allclose(deconvolve(network, images, "1", [0], [(1, 2)]).pixels, F.max_unpool2d(alone, switches, 2))


def test_by_hand() -> None:
    """Two units in a row: the weight of the way that is positive counts, the bias and the negative way do not."""
    first, second = nn.Conv2d(1, 2, 1), nn.Conv2d(2, 1, 1)
    first.weight.data[:, 0, 0, 0] = torch.tensor([2.0, 5.0])
    first.bias.data[:] = torch.tensor([1.0, 100.0])
    second.weight.data[0, :, 0, 0] = torch.tensor([3.0, -0.01])
    second.bias.data[:] = 0.5
    network = nn.Sequential(first, nn.ReLU(), second, nn.ReLU())
    found = deconvolve(network, torch.full((1, 1, 1, 1), 4.0), "2", [0])
    activity = 3 * (2 * 4 + 1) - 0.01 * (5 * 4 + 100) + 0.5
    assert found.activity.item() == pytest.approx(activity)
    assert found.pixels.item() == pytest.approx(activity * 3 * 2)  # the second map's signal, -0.01, is rectified away


def test_a_silent_unit_has_no_pixels() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    network[0].bias.data.fill_(-1e3)
    found = deconvolve(network, noise(2, 1, 5, 5).float(), "0", [0, 1])
    assert found.pixels.abs().max() == 0
    assert (found.activity <= 0).all()


def test_images_of_a_batch_do_not_mix_and_the_network_is_left_as_it_was() -> None:
    torch.manual_seed(0)
    network = NeighborMNIST(1).train()
    network.features[2].eval()
    images = noise(3, 1, 28, 28).float()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    whole = deconvolve(network, images, "features.7", [5, 6, 7])
    alone = deconvolve(network, images[1:2], "features.7", [6], [(int(whole.rows[1]), int(whole.columns[1]))])
    assert torch.allclose(whole.pixels[1:2], alone.pixels, atol=1e-6)
    assert network.training
    assert not network.features[2].training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU")  # that is what captum does
def test_captum_says_the_same() -> None:
    attr = pytest.importorskip("captum.attr", reason="captum is absent: make setup")
    torch.manual_seed(0)
    network = NeighborMNIST(1).eval()
    images = noise(4, 1, 28, 28).float()
    top = nn.Sequential(*list(network.features)[:12], nn.AdaptiveMaxPool2d(1), nn.Flatten())
    units = [3, 9, 20, 33]
    expected = attr.Deconvolution(top).attribute(images.clone().requires_grad_(True), target=units)
    found = deconvolve(network, images, "features.10", units)
    assert expected.abs().max() > 1e-4
    scaled = expected * found.activity.relu()[:, None, None, None]
    assert torch.allclose(found.pixels, scaled.detach(), atol=1e-6)


class Product(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 2, 1), nn.Conv2d(2, 2, 1)

    def forward(self, maps: Tensor) -> Tensor:
        maps = self.first(maps)
        return self.second(maps * maps.sigmoid())


class Choice(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return maps if maps.sum() > 0 else -maps


@pytest.mark.parametrize(
    ("network", "layer", "unit", "words"),
    [
        (Product(), "second", 0, "sigmoid"),
        (nn.Sequential(nn.Conv2d(1, 1, 1), nn.GELU(), nn.Conv2d(1, 1, 1)), "2", 0, r"1 \(GELU\), step _1: no way back"),
        (nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")), "0", 0, "pads by reflect"),
        (nn.Sequential(nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(1, 1, 1)), "1", 0, "rounds up"),
        (Choice(), "x", 0, "Choice cannot be traced"),
        (NeighborMNIST(1), "features.15", 0, "is no convolution. Convolutions: features.0, features.4"),
        (NeighborMNIST(1), "feature.14", 0, "Did you mean features.14?"),
        (NeighborMNIST(1), "features.14", 128, "no unit 128. Allowed: 0 to 127"),
    ],
)
def test_what_has_no_way_back_is_refused_by_name(network: nn.Module, layer: str, unit: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        deconvolve(network, noise(1, 1, 9, 9).float(), layer, [unit])


def test_wrong_counts_and_places_are_refused() -> None:
    images = noise(2, 1, 9, 9).float()
    with pytest.raises(ShapeError, match="2 images need one unit"):
        deconvolve(NeighborMNIST(1), images, "features.0", [0])
    with pytest.raises(UsageError, match=r"No unit lies at \(7, 0\): the maps are 7 high"):
        deconvolve(NeighborMNIST(1), images, "features.0", [0, 0], [(0, 0), (7, 0)])


def test_layers_are_named_in_the_order_of_the_images() -> None:
    assert conv_layers(NeighborMNIST(1)) == ("features.0", "features.4", "features.7", "features.10", "features.14")
    assert conv_layers(Branches()) == ("narrow.0", "tall.0", "pooled.1")


def test_a_subtracted_mean_is_subtracted_here_too() -> None:
    network = build("neighbor-mnist", channels=1, seed=0).eval()
    subtract_mean(network, torch.tensor([0.4]))
    images = torch.randn(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        peak = network.features[:2](images)[:, 3].amax((1, 2))
    assert deconvolve(network, images, "features.0", [3, 3]).activity == pytest.approx(peak, rel=1e-5)
