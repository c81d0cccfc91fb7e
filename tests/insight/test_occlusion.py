"""Occlusion against a plain loop and against captum."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ilk.errors import UsageError
from ilk.insight.occlusion import occlude
from ilk.neighbors import NeighborClassifier
from ilk.networks import NeighborMNIST, embed
from tests.insight.examples import TWO, Corners, probability, spot


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


def test_a_class_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no class number 2"):
        occlude(Corners(), TWO, spot(), label=2)
