"""A trained space kept on disk answers as it did before, and refuses images of the wrong kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ilk.data import from_arrays
from ilk.errors import ChannelsError, ModelError, UsageError
from ilk.model.bundle import load_bundle, save_bundle
from ilk.neighbors import fit_classifier, with_head
from ilk.networks import build, embed
from ilk.recipes import Space, bundle_of, space_of
from ilk.shapes import Pixels

SIDE, DIM = 10, 6


def pixels(channels: int, count: int = 20, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (count, channels, SIDE, SIDE)).astype(np.uint8)


def space(channels: int = 1, distance: str = "squared", gray_too: bool = True) -> Space:
    """A network with weights of its own and 12 labeled points in three classes."""
    network = build("neighbor-mnist", channels=channels, dim=DIM, seed=7)
    network(
        torch.randn(40, channels, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    )  # moves its running means
    network.eval().to(memory_format=torch.channels_last)
    points = embed(network, pixels(channels, 12, seed=2))
    classifier = fit_classifier(points, np.arange(12) % 3, 3, distance=distance, temperature=3.0)  # type: ignore[arg-type]
    size, names = (SIDE, SIDE), tuple("abcdefghijkl")
    return Space(network, "neighbor-mnist", size, channels, gray_too, ("a", "b", "c"), names, classifier)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("distance", ["squared", "euclidean"])
def test_a_space_from_disk_answers_to_the_bit_as_before(tmp_path: Path, channels: int, distance: str) -> None:
    before = space(channels, distance)
    save_bundle(tmp_path / "model", bundle_of(before))
    after = space_of(load_bundle(tmp_path / "model"))
    images = pixels(channels)
    np.testing.assert_array_equal(before.embed(images), after.embed(images))
    told, again = (each.classifier.predict(each.embed(images)) for each in (before, after))
    for name in ("label", "confidence", "status", "neighbors", "distances"):
        np.testing.assert_array_equal(getattr(told, name), getattr(again, name))
    for name in ("network_name", "size", "channels", "gray_too", "classes", "reference_names", "options"):
        assert getattr(before, name) == getattr(after, name)


def test_a_head_comes_back_from_disk_and_answers_as_before(tmp_path: Path) -> None:
    plain = space()
    draw = np.random.default_rng(3)
    shape = (len(plain.classes), plain.classifier.points.shape[1])
    weight, bias = draw.standard_normal(shape, dtype=np.float32), draw.standard_normal(shape[0], dtype=np.float32)
    headed = replace(plain, classifier=with_head(plain.classifier, weight, bias))
    save_bundle(tmp_path / "model", bundle_of(headed))
    again = space_of(load_bundle(tmp_path / "model"))
    points = again.embed(pixels(1))
    before, after = headed.classifier.predict(points), again.classifier.predict(points)
    for name in ("label", "confidence", "status", "probabilities"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert (after.label != plain.classifier.predict(points).label).any()


@pytest.mark.parametrize("fault", ["lacks its weight", "has another bias", "is not finite"])
def test_a_head_that_does_not_fit_is_not_saved(tmp_path: Path, fault: str) -> None:
    plain = space()
    classes, dim = len(plain.classes), plain.classifier.points.shape[1]
    weight, bias = np.zeros((classes, dim), dtype=np.float32), np.zeros(classes, dtype=np.float32)
    bundle = bundle_of(replace(plain, classifier=with_head(plain.classifier, weight, bias)))
    change = {
        "lacks its weight": {"head_weight": None},
        "has another bias": {"head_bias": np.zeros(classes + 1, dtype=np.float32)},
        "is not finite": {"head_weight": np.full((classes, dim), np.nan, dtype=np.float32)},
    }[fault]
    with pytest.raises(UsageError, match="head"):
        save_bundle(tmp_path / "model", replace(bundle, **change))


def test_the_bundle_holds_words_and_tensors_alone() -> None:
    bundle = bundle_of(space())
    assert all(isinstance(tensor, torch.Tensor) for tensor in bundle.weights.values())
    assert all(isinstance(value, str | int | float | list | dict) for value in bundle.description.values())


@pytest.mark.parametrize(
    "change",
    [{"network": "neighbor-none"}, {"channels": 3}, {"height": None}, {"height": "tall"}, {"distance": "manhattan"}],
)
def test_a_description_that_does_not_fit_is_refused(change: dict) -> None:
    bundle = bundle_of(space())
    with pytest.raises(ModelError, match="does not fit its tensors"):
        space_of(replace(bundle, description=bundle.description | change))


@pytest.mark.parametrize("missing", ["network", "height", "channels", "gray_too", "k", "options"])
def test_a_description_with_a_gap_is_refused(missing: str) -> None:
    bundle = bundle_of(space())
    with pytest.raises(ModelError):
        space_of(replace(bundle, description={k: v for k, v in bundle.description.items() if k != missing}))


@pytest.mark.parametrize(
    ("model", "gray_too", "images", "refused"),
    [
        (1, True, "gray", False),
        (1, True, "color", True),
        (1, True, "mixed", True),
        (3, False, "gray", True),
        (3, False, "color", False),
        (3, False, "mixed", False),
        (3, True, "gray", False),
    ],
)
def test_channels(model: int, gray_too: bool, images: str, refused: bool) -> None:
    gray, color = list(pixels(1)[:2, 0]), list(pixels(3)[:2].transpose(0, 2, 3, 1))
    data = from_arrays({"gray": gray, "color": color, "mixed": [*gray, *color]}[images], size=SIDE)
    trained = space(model, gray_too=gray_too)
    if not refused:
        trained.require_channels(data)
        return
    with pytest.raises(ChannelsError, match=r"#2" if images == "mixed" else None):
        trained.require_channels(data)
