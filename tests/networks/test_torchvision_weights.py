"""Published weights: names and shapes typed in by hand, answers by plain functions of torch."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from ilk.errors import ModelError, UsageError
from ilk.networks.alexnet import AlexNet, AlexNet2012
from ilk.networks.embedding import as_input
from ilk.networks.resnet import ResNet18
from ilk.networks.torchvision_weights import load_published, vgg_name
from ilk.networks.vgg import VGG, VGG16, VGG16BN

ALEXNET = {
    **{"features.0": (64, 3, 11, 11), "features.3": (192, 64, 5, 5), "features.6": (384, 192, 3, 3)},
    **{"features.8": (256, 384, 3, 3), "features.10": (256, 256, 3, 3)},
    **{"classifier.1": (4096, 9216), "classifier.4": (4096, 4096), "classifier.6": (1000, 4096)},
}

# Position of each convolution of torchvision's vgg16 and vgg16_bn, and its name in the paper's manner.
VGG16_LAYERS = {
    **{0: "conv1_1", 2: "conv1_2", 5: "conv2_1", 7: "conv2_2", 10: "conv3_1", 12: "conv3_2", 14: "conv3_3"},
    **{17: "conv4_1", 19: "conv4_2", 21: "conv4_3", 24: "conv5_1", 26: "conv5_2", 28: "conv5_3"},
}
VGG16BN_LAYERS = {
    **{0: "conv1_1", 1: "norm1_1", 3: "conv1_2", 4: "norm1_2", 7: "conv2_1", 8: "norm2_1", 10: "conv2_2"},
    **{11: "norm2_2", 14: "conv3_1", 15: "norm3_1", 17: "conv3_2", 18: "norm3_2", 20: "conv3_3", 21: "norm3_3"},
    **{24: "conv4_1", 25: "norm4_1", 27: "conv4_2", 28: "norm4_2", 30: "conv4_3", 31: "norm4_3"},
    **{34: "conv5_1", 35: "norm5_1", 37: "conv5_2", 38: "norm5_2", 40: "conv5_3", 41: "norm5_3"},
}

IMAGENET_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
IMAGENET_DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

Weights = dict[str, Tensor]


def alexnet_weights() -> Weights:
    draw, weights = torch.Generator().manual_seed(0), {}
    for name, shape in ALEXNET.items():
        fan_in = torch.Size(shape[1:]).numel()
        weights[f"{name}.weight"] = torch.randn(shape, generator=draw) * (2 / fan_in) ** 0.5
        weights[f"{name}.bias"] = 0.1 * torch.randn(shape[0], generator=draw)
    return weights


def plain_alexnet(images: Tensor, w: Weights) -> Tensor:
    """torchvision's AlexNet at rest, at 224 pixels."""

    def conv(maps: Tensor, number: int, stride: int, padding: int) -> Tensor:
        return F.relu(F.conv2d(maps, w[f"features.{number}.weight"], w[f"features.{number}.bias"], stride, padding))

    maps = F.max_pool2d(conv(images, 0, 4, 2), 3, 2)
    maps = F.max_pool2d(conv(maps, 3, 1, 2), 3, 2)
    maps = F.max_pool2d(conv(conv(conv(maps, 6, 1, 1), 8, 1, 1), 10, 1, 1), 3, 2)
    hidden = F.relu(F.linear(maps.flatten(1), w["classifier.1.weight"], w["classifier.1.bias"]))
    hidden = F.relu(F.linear(hidden, w["classifier.4.weight"], w["classifier.4.bias"]))
    return F.linear(hidden, w["classifier.6.weight"], w["classifier.6.bias"])


def resnet18_weights() -> Weights:
    draw, weights = torch.Generator().manual_seed(1), {}

    def conv(name: str, out: int, into: int, kernel: int) -> None:
        weights[f"{name}.weight"] = torch.randn(out, into, kernel, kernel, generator=draw) / (into * kernel**2) ** 0.5

    def norm(name: str, maps: int) -> None:
        for kind in ("weight", "bias", "running_mean", "running_var"):
            weights[f"{name}.{kind}"] = 0.5 + torch.rand(maps, generator=draw)

    conv("conv1", 64, 3, 7)
    norm("bn1", 64)
    into = 64
    for stage, maps in ((1, 64), (2, 128), (3, 256), (4, 512)):
        for block in (0, 1):
            at = f"layer{stage}.{block}"
            conv(f"{at}.conv1", maps, into, 3)
            norm(f"{at}.bn1", maps)
            conv(f"{at}.conv2", maps, maps, 3)
            norm(f"{at}.bn2", maps)
            if into != maps:
                conv(f"{at}.downsample.0", maps, into, 1)
                norm(f"{at}.downsample.1", maps)
            into = maps
    weights["fc.weight"], weights["fc.bias"] = torch.randn(1000, 512, generator=draw) / 23, torch.zeros(1000)
    return weights


def plain_resnet18(images: Tensor, w: Weights) -> Tensor:
    """torchvision's ResNet-18 at rest."""

    def conv(maps: Tensor, name: str, norm: str, stride: int = 1, padding: int = 1) -> Tensor:
        n = [w[f"{norm}.{kind}"] for kind in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(F.conv2d(maps, w[f"{name}.weight"], None, stride, padding), *n)

    maps = F.max_pool2d(F.relu(conv(images, "conv1", "bn1", 2, 3)), 3, 2, 1)
    for stage in (1, 2, 3, 4):
        for block in (0, 1):
            at, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            change = F.relu(conv(maps, f"{at}.conv1", f"{at}.bn1", stride))
            change = conv(change, f"{at}.conv2", f"{at}.bn2")
            if f"{at}.downsample.0.weight" in w:
                maps = conv(maps, f"{at}.downsample.0", f"{at}.downsample.1", stride, 0)
            maps = F.relu(change + maps)
    return F.linear(maps.mean((2, 3)), w["fc.weight"], w["fc.bias"])


@pytest.fixture(scope="module")
def alexnet() -> Weights:
    return alexnet_weights()


@pytest.fixture(scope="module")
def resnet() -> tuple[Weights, ResNet18]:
    return resnet18_weights(), ResNet18(dim=1000).eval()


def saved(weights: Weights, folder: Path) -> Path:
    path = folder / "published.safetensors"
    save_file(weights, path)
    return path


def test_alexnet_answers_as_published(alexnet: Weights, tmp_path: Path) -> None:
    network = AlexNet(dim=1000).eval()
    load_published(network, saved(alexnet, tmp_path), normalized=True)
    images = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(network(images), plain_alexnet(images, alexnet), rtol=1e-4, atol=1e-4)


def test_resnet_answers_as_published(resnet: tuple[Weights, ResNet18], tmp_path: Path) -> None:
    weights, network = resnet
    load_published(network, saved(weights, tmp_path), normalized=True)
    images = torch.randn(2, 3, 64, 72, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(network(images), plain_resnet18(images, weights), rtol=1e-3, atol=1e-3)


def test_resnet_answers_pixels_as_published_answers_normalized_ones(
    resnet: tuple[Weights, ResNet18], tmp_path: Path
) -> None:
    """Away from the padding: the first layer, inside its border, sees no zero that means another color."""
    weights, network = resnet
    load_published(network, saved(weights, tmp_path))
    pixels = torch.randint(0, 256, (2, 3, 40, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    theirs = F.conv2d((pixels / 255 - IMAGENET_MEAN) / IMAGENET_DEVIATION, weights["conv1.weight"], None, 2, 3)
    norm = [weights[f"bn1.{kind}"] for kind in ("running_mean", "running_var", "weight", "bias")]
    with torch.no_grad():
        ours = network.bn1(network.conv1(as_input(pixels)))
    inside = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(ours[inside], F.batch_norm(theirs, *norm)[inside], rtol=1e-4, atol=1e-4)


def test_alexnet_s_first_layer_reads_pixels(alexnet: Weights, tmp_path: Path) -> None:
    network = AlexNet(dim=7)
    before = network.embedding.weight.detach().clone()
    load_published(network, saved(alexnet, tmp_path), head=False)
    assert torch.equal(network.embedding.weight, before)
    assert torch.equal(network.classifier.fc7.weight, alexnet["classifier.4.weight"])
    pixels = torch.randint(0, 256, (2, 3, 63, 63), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    first = alexnet["features.0.weight"], alexnet["features.0.bias"]
    theirs = F.conv2d((pixels / 255 - IMAGENET_MEAN) / IMAGENET_DEVIATION, *first, stride=4, padding=2)
    with torch.no_grad():
        ours = network.features.conv1(as_input(pixels))
    inside = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(ours[inside], theirs[inside], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("network_class", "layers"), [(VGG16, VGG16_LAYERS), (VGG16BN, VGG16BN_LAYERS)])
def test_vgg_s_names(network_class: type[VGG], layers: dict[int, str]) -> None:
    with torch.device("meta"):
        network = network_class()
    names = {f"features.{position}": f"features.{name}" for position, name in layers.items()}
    names |= {"classifier.0": "classifier.fc6", "classifier.3": "classifier.fc7", "classifier.6": "embedding"}
    theirs = [
        f"{layer}.{kind}"
        for layer, ours in names.items()
        for kind in ("weight", "bias", *(("running_mean", "running_var", "num_batches_tracked") * ("norm" in ours)))
    ]
    expected = [f"{names[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}" for name in theirs]
    assert [vgg_name(name, network) for name in theirs] == expected
    assert sorted(expected) == sorted(network.state_dict())


def test_vgg_fits(tmp_path: Path) -> None:
    """Each tensor lands under its name; the largest layer is left out, which would show nothing new."""
    names = [f"features.{position}" for position in VGG16_LAYERS] + [f"classifier.{n}" for n in (0, 3)]
    with torch.device("meta"):
        network, wanted = VGG16(dim=3), VGG16(dim=3).state_dict()
    del network.classifier.fc6
    weights = {}
    for name in names:
        for kind in ("weight", "bias"):
            ours = vgg_name(f"{name}.{kind}", network)
            weights[f"{name}.{kind}"] = torch.full(wanted[ours].shape, float(len(weights)))
    del weights["classifier.0.weight"], weights["classifier.0.bias"]
    network.to_empty(device="cpu")
    load_published(network, saved(weights, tmp_path), head=False, normalized=True)
    for name, tensor in weights.items():
        assert torch.equal(network.state_dict()[vgg_name(name, network)], tensor)


def test_a_count_of_batches_may_come_or_not(resnet: tuple[Weights, ResNet18], tmp_path: Path) -> None:
    weights, network = resnet
    counts = {name: torch.tensor(9) for name in network.state_dict() if name.endswith("num_batches_tracked")}
    assert len(counts) == 20
    load_published(network, saved(weights | counts, tmp_path))
    assert network.bn1.num_batches_tracked == 9
    load_published(network, saved(weights, tmp_path))
    assert network.bn1.num_batches_tracked == 9


def renamed(weights: Weights) -> Weights:
    return {name.replace("fc.bias", "fc.bias2"): tensor for name, tensor in weights.items()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: {n: t for n, t in w.items() if n != "bn1.bias"}, r"nothing for bn1\.bias \(1 missing\)"),
        (lambda w: w | {"extra.weight": torch.zeros(2)}, r"tensor extra\.weight that the network does not have"),
        (lambda w: w | {"bn1.bias": torch.zeros(65)}, r"bn1\.bias in .* has the shape \(65,\), .* the shape \(64,\)"),
        (lambda w: w | {"bn1.bias": torch.full((64,), torch.nan)}, r"bn1\.bias in .* not finite"),
        (lambda w: w | {"fc.bias": torch.zeros(9)}, r"shape \(1000,\)\. Leave the classifier out: head=False"),
        (renamed, r"nothing for fc\.bias"),
    ],
    ids=["missing", "left over", "shape", "not finite", "head", "renamed"],
)
def test_a_file_that_does_not_fit_changes_nothing(
    resnet: tuple[Weights, ResNet18], tmp_path: Path, change: object, words: str
) -> None:
    weights, network = resnet
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert callable(change)
    with pytest.raises(ModelError, match=words):
        load_published(network, saved(change(weights), tmp_path))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_files_that_are_none(tmp_path: Path, resnet: tuple[Weights, ResNet18]) -> None:
    path = tmp_path / "weights.pth"
    with pytest.raises(ModelError, match=re.escape(f"{path} cannot be read: No such file")):
        load_published(resnet[1], path)
    path.write_bytes(b"PK\x03\x04 a zip of something else")
    with pytest.raises(ModelError, match="is not a whole file of safetensors"):
        load_published(resnet[1], path)


def test_only_some_networks_have_published_weights(tmp_path: Path) -> None:
    with torch.device("meta"):
        network = AlexNet2012()
    with pytest.raises(UsageError, match="No weights are published for AlexNet2012"):
        load_published(network, tmp_path / "any.safetensors")
