"""Occlusion, invariance and the units that matter, on a network and a classifier small enough to follow by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ilk.errors import UsageError
from ilk.insight.ablation import ablate_units
from ilk.insight.invariance import CHANGES, invariance, transform_image
from ilk.insight.occlusion import occlude
from ilk.neighbors import NeighborClassifier
from ilk.networks import NeighborMNIST, embed


class Corners(nn.Module):
    """The mean of the left and of the right half, each by a unit of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1, bias=False)
        self.conv.weight.data[:] = torch.tensor([1.0, -1.0])[:, None, None, None]
        self.relu = nn.ReLU()

    def forward(self, images: Tensor) -> Tensor:
        return self.relu(self.conv(images)).mean((2, 3))


TWO = NeighborClassifier(np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32), np.array([0, 1]), 2)


def spot(row: int = 3, column: int = 5) -> np.ndarray:
    image = np.full((1, 10, 12), 128, dtype=np.uint8)
    image[0, row : row + 2, column : column + 2] = 255
    return image


def probability(network: nn.Module, image: np.ndarray, label: int) -> float:
    return float(TWO.predict(embed(network, image[None])).probabilities[0, label])


def test_occlusion_is_that_of_a_plain_loop() -> None:
    image, network = spot(), Corners()
    found = occlude(network, TWO, image, side=3, stride=2, label=0)
    assert found.tops == (0, 2, 4, 6, 7)
    assert found.lefts == (0, 2, 4, 6, 8, 9)
    own = embed(network, image[None])[0]
    total, count = np.zeros((10, 12)), np.zeros((10, 12))
    for i, top in enumerate(found.tops):
        for j, left in enumerate(found.lefts):
            covered = image.copy()
            covered[:, top : top + 3, left : left + 3] = 128
            drop = probability(network, image, 0) - probability(network, covered, 0)
            assert found.drop[i, j] == pytest.approx(drop, abs=1e-6)
            moved = np.linalg.norm(embed(network, covered[None])[0] - own)
            assert found.moved[i, j] == pytest.approx(moved, abs=1e-6)
            total[top : top + 3, left : left + 3] += drop
            count[top : top + 3, left : left + 3] += 1
    assert found.drop_of_pixel == pytest.approx(total / count, abs=1e-6)
    assert found.drop.max() > 0
    assert found.drop_of_pixel[8:, :4].max() == 0  # nothing of the spot lies there
    assert found.probability == pytest.approx(probability(network, image, 0))


@pytest.mark.filterwarnings("ignore")  # captum's own
def test_captum_finds_the_same_occlusion() -> None:
    attr = pytest.importorskip("captum.attr", reason="captum is absent: make setup")
    torch.manual_seed(0)
    network = NeighborMNIST(1).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (1, 16, 16)).astype(np.uint8)
    points = embed(network, np.random.default_rng(1).integers(0, 256, (4, 1, 16, 16)).astype(np.uint8))
    classifier = NeighborClassifier(points, np.array([0, 1, 0, 1]), 2, temperature=1e-3)
    asked = attr.Occlusion(lambda x: torch.from_numpy(classifier.predict(network(x).detach().numpy()).probabilities))
    image = torch.from_numpy((pixels.astype(np.float32) - 128) / 128)[None]
    with torch.no_grad():
        expected = asked.attribute(image, (1, 4, 4), strides=(1, 4, 4), target=1)[0, 0].numpy()
    found = occlude(network, classifier, pixels, label=1, side=4, stride=4)
    assert np.abs(expected).max() > 1e-3
    assert found.drop_of_pixel == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("side", "stride"), [(0, 1), (11, 1), (3, 4), (3, 0)])
def test_squares_that_cannot_slide_are_refused(side: int, stride: int) -> None:
    with pytest.raises(UsageError, match="Allowed: a side from 1 to 10"):
        occlude(Corners(), TWO, spot(), side=side, stride=stride)


def test_classes_that_are_not_there_are_refused() -> None:
    for call in (occlude, invariance):
        with pytest.raises(UsageError, match="no class number 2"):
            call(Corners(), TWO, spot(), label=2)


@pytest.mark.parametrize("kind", CHANGES)
def test_no_change_changes_nothing(kind: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (3, 9, 14)).astype(np.uint8)
    assert np.array_equal(transform_image(image, kind, np.array([1.0 if kind == "scale" else 0.0]))[0], image)


def test_shifts_go_right_and_down_by_whole_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (1, 9, 14)).astype(np.uint8)
    right = transform_image(image, "shift right", np.array([3.0, -2.0]))
    assert np.array_equal(right[0][:, :, 3:], image[:, :, :-3])
    assert np.array_equal(right[1][:, :, :-2], image[:, :, 2:])
    assert np.array_equal(right[0][:, :, :3], image[:, :, :1].repeat(3, axis=2))
    down = transform_image(image, "shift down", np.array([4.0]))[0]
    assert np.array_equal(down[:, 4:], image[:, :-4])


def test_a_quarter_turn_is_counterclockwise_and_half_the_scale_is_half_the_size() -> None:
    square = np.random.default_rng(0).integers(0, 256, (1, 8, 8)).astype(np.uint8)
    turned = transform_image(square, "rotation", np.array([90.0, 180.0]))
    assert np.array_equal(turned[0], np.rot90(square, axes=(1, 2)))
    assert np.array_equal(turned[1], square[:, ::-1, ::-1])
    disk = np.zeros((1, 32, 32), dtype=np.uint8)
    disk[0, 8:24, 8:24] = 255
    small, large = transform_image(disk, "scale", np.array([0.5, 2.0]))
    assert small.sum() / disk.sum() == pytest.approx(1 / 4, rel=0.02)
    assert large.sum() / disk.sum() == pytest.approx(4, rel=0.15)


def test_a_rotation_keeps_the_proportions_of_an_oblong_image() -> None:
    image = np.zeros((1, 20, 40), dtype=np.uint8)
    image[0, 8:12, 14:26] = 255  # 12 wide, 4 high
    turned = transform_image(image, "rotation", np.array([90.0]))[0][0] > 127
    assert turned.any(1).sum() == 12
    assert turned.any(0).sum() == 4


def test_curves_start_from_the_image_itself() -> None:
    curves = invariance(Corners(), TWO, spot(), label=0)
    assert [curve.kind for curve in curves] == list(CHANGES)
    for curve in curves:
        at = int(np.argmin(np.abs(curve.amounts - (1 if curve.kind == "scale" else 0))))
        assert curve.moved[at] == pytest.approx(0, abs=1e-6)
        assert curve.probability[at] == pytest.approx(probability(Corners(), spot(), 0), abs=1e-6)
        assert (np.diff(curve.amounts) > 0).all()
    scale = curves[2]
    assert scale.moved[-1] > 0.01  # twice as large a spot


def test_the_unit_that_speaks_for_a_class_is_the_one_that_matters() -> None:
    network = Corners()
    bright, dark = ablate_units(network, TWO, np.full((1, 4, 4), 255, dtype=np.uint8), "conv", label=0)
    assert (bright.unit, dark.unit) == (0, 1)
    assert dark.drop == dark.moved == 0  # silent already
    assert bright.without == pytest.approx(0.5)  # at the origin, as near to both
    assert bright.drop == pytest.approx(
        probability(network, np.full((1, 4, 4), 255, dtype=np.uint8), 0) - 0.5, abs=1e-6
    )
    assert bright.moved == pytest.approx(127 / 128)


def test_silencing_is_that_of_a_hook() -> None:
    torch.manual_seed(0)
    network = NeighborMNIST(1).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (6, 1, 16, 16)).astype(np.uint8)
    classifier = NeighborClassifier(embed(network, pixels[1:]), np.array([0, 1, 0, 1, 1]), 2)
    found = ablate_units(network, classifier, pixels[0], "features.10", most=64)
    assert [each.drop for each in found] == sorted((each.drop for each in found), reverse=True)
    for each in found[:5]:

        def silence(_: object, __: object, maps: Tensor, unit: int = each.unit) -> Tensor:
            maps = maps.clone()
            maps[:, unit] = 0
            return maps

        hook = network.features[11].register_forward_hook(silence)
        point = embed(network, pixels[:1])
        hook.remove()
        label = int(classifier.predict(embed(network, pixels[:1])).label[0])
        assert each.without == pytest.approx(float(classifier.predict(point).probabilities[0, label]), abs=1e-5)
        assert each.moved == pytest.approx(np.linalg.norm(point - embed(network, pixels[:1])), abs=1e-4)


class Shortcut(nn.Module):
    """A sum whose other branch is older than the layer, then steps that work in place, then a concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 3, padding=1)
        self.conv = nn.Conv2d(6, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=True)
        self.scale = nn.Parameter(torch.full((1, 6, 1, 1), 0.7))

    def forward(self, images: Tensor) -> Tensor:
        stem = self.stem(images)
        maps = self.norm(self.conv(stem))
        maps += stem * self.scale
        maps = self.relu(maps)
        return torch.cat([maps, stem], 1).mean((2, 3))


def test_silencing_keeps_branches_and_steps_in_place_apart() -> None:
    torch.manual_seed(0)
    network = Shortcut().eval()
    pixels = np.random.default_rng(0).integers(0, 256, (5, 1, 8, 8)).astype(np.uint8)
    classifier = NeighborClassifier(embed(network, pixels[1:]), np.array([0, 1, 0, 1]), 2)
    found = ablate_units(network, classifier, pixels[0], "conv", label=1)
    assert len({each.unit for each in found}) == 6
    for each in found:

        def silence(_: object, __: object, maps: Tensor, unit: int = each.unit) -> Tensor:
            maps = maps.clone()
            maps[:, unit] = 0
            return maps

        hook = network.norm.register_forward_hook(silence)
        point = embed(network, pixels[:1])
        hook.remove()
        assert each.moved == pytest.approx(np.linalg.norm(point - embed(network, pixels[:1])), abs=1e-5)
        assert each.without == pytest.approx(float(classifier.predict(point).probabilities[0, 1]), abs=1e-5)
    assert found[0].moved > 1e-3
