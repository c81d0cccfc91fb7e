"""A run that begins from another: whose weights it has, which of them stay, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from ilk.data import Dataset, from_arrays
from ilk.errors import ChannelsError, InterruptedRunError, ModelError, UsageError
from ilk.methods import NeighborSettings
from ilk.model.bundle import save_bundle
from ilk.model.initial_weights import HEADS, Start, begin, require_beginning, start_of_bundle
from ilk.networks import NETWORKS, build, outline
from ilk.networks.mean_subtraction import mean_color, subtracts_mean
from ilk.recipes import bundle_of, fit, published_start, space_of, start_of
from ilk.training import Callbacks, Settings, TrainingState

SIDE = 10
SHORT = Settings(epochs=1.0, seed=3)
SMALL = NeighborSettings(sets=1, queries=4, pool=8)


def dataset(channels: int = 3, side: int = SIDE, classes: int = 2, seed: int = 0) -> Dataset:
    images = np.random.default_rng(seed).integers(0, 200, (16, side, side, channels)).astype(np.uint8)
    return from_arrays(images, [i % classes if i < 8 else None for i in range(16)], size=side)


def start(dim: int = 6, channels: int = 3, **change: object) -> Start:
    network = build("neighbor-mnist", channels=channels, dim=dim, seed=9)
    made = Start("a run", "neighbor-mnist", network.state_dict(), channels, (SIDE, SIDE), dim)
    return replace(made, **change)


def begun(start: Start, dim: int | None) -> dict[str, torch.Tensor]:
    return begin(dataset(), SHORT, network=start.network, dim=dim, start=start)[0].state_dict()


@pytest.mark.parametrize("old", [6, 128])
@pytest.mark.parametrize("new", [6, 7, 128])
def test_the_weights_are_those_of_the_start_but_for_a_last_layer_of_another_size(old: int, new: int) -> None:
    given, fresh = start(old), build("neighbor-mnist", channels=3, dim=new, seed=SHORT.seed).state_dict()
    found = begun(given, new)
    assert found.keys() == fresh.keys()
    for name, tensor in found.items():
        source = given.weights if name.startswith("features") or old == new else fresh
        assert torch.equal(tensor, source[name]), name


@pytest.mark.parametrize("name", NETWORKS)
def test_only_the_last_layer_depends_on_the_dimensions(name: str) -> None:
    few, more = (outline(name, dim=dim).state_dict() for dim in (5, 7))
    different = {key for key in few if few[key].shape != more[key].shape}
    assert {key.partition(".")[0] for key in different} <= set(HEADS)
    assert different
    assert {key for key in few if key.partition(".")[0] in HEADS} == different


def test_a_fit_goes_on_from_a_saved_run_with_other_classes(tmp_path: Path) -> None:
    first = fit(dataset(), replace(SHORT, subtract_mean=True), method=SMALL, dim=6)
    save_bundle(tmp_path / "model", bundle_of(first.space))
    found = start_of(tmp_path / "model")
    assert (found.network, found.dim, found.channels, found.size) == ("neighbor-mnist", 6, 3, (SIDE, SIDE))
    other = dataset(classes=3, seed=1)
    still = replace(SHORT, learning_rate=1e-30, weight_decay=0.0)
    again = fit(other, still, method=SMALL, start=found, freeze_to="features")
    assert again.space.classes == ("0", "1", "2")
    for name, tensor in first.space.network.state_dict().items():
        assert torch.equal(tensor, again.space.network.state_dict()[name]), name
    np.testing.assert_array_equal(again.points, first.space.embed(other.images))
    assert torch.equal(found.weights["features.0.mean"], mean_color(dataset().images))


def test_the_mean_is_taken_off_every_answer_too() -> None:
    plain, settings = dataset(), replace(SHORT, subtract_mean=True)
    fitted = fit(plain, settings, method=SMALL)
    assert subtracts_mean(fitted.space.network)
    again = space_of(bundle_of(fitted.space))
    np.testing.assert_array_equal(again.embed(plain.images), fitted.points)
    with torch.no_grad():
        dict(again.network.named_buffers())["features.0.mean"].zero_()
    assert not np.allclose(again.embed(plain.images), fitted.points)
    assert bundle_of(fitted.space).description["preprocessing"] == "(pixel - mean) / 128"
    assert bundle_of(fit(plain, SHORT, method=SMALL).space).description["preprocessing"] == "(pixel - 128) / 128"


def test_strided_and_its_dimensions_come_back_from_disk() -> None:
    data = dataset(side=32)
    first = fit(data, replace(SHORT, epochs=0.01), method=SMALL, network="resnet-18", dim=9, strided=True).space
    again = space_of(bundle_of(first))
    assert (again.options, again.classifier.points.shape[1]) == ({"strided": True}, 9)
    np.testing.assert_array_equal(again.embed(data.images), first.embed(data.images))
    found = start_of_bundle(bundle_of(first), "it")
    assert fit(data, replace(SHORT, epochs=0.01), method=SMALL, start=found).space.options == {"strided": True}


def test_a_stopped_run_from_a_start_goes_on_bit_for_bit_without_it() -> None:
    saved, steps = [], []

    def save(state: TrainingState, must: bool) -> None:
        if must:
            saved.append(({name: tensor.clone() for name, tensor in state.tensors().items()}, state.metadata()))

    given = start()
    settings = replace(SHORT, epochs=2.0, schedule="plateau", patience=1)
    callbacks = Callbacks(save=save, stop=lambda: len(steps) == 2, on_step=lambda step, _: steps.append(step))
    options = {"dim": 6, "freeze_to": "features.6"}
    with pytest.raises(InterruptedRunError):
        fit(dataset(), settings, method=SMALL, start=given, callbacks=callbacks, **options)  # type: ignore[arg-type]
    resumed = fit(dataset(), settings, method=SMALL, checkpoint=saved[0], **options)  # type: ignore[arg-type]
    whole = fit(dataset(), settings, method=SMALL, start=given, **options)  # type: ignore[arg-type]
    np.testing.assert_array_equal(resumed.points, whole.points)
    assert resumed.history == whole.history


def test_published_weights_begin_a_run(tmp_path: Path) -> None:
    network = build("resnet-18", channels=3, dim=1000, seed=4)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, tmp_path / "r.safetensors")
    found = published_start(tmp_path / "r.safetensors", "resnet18")
    assert (found.network, found.channels, found.size, found.dim) == ("resnet-18", 3, None, None)
    built, frozen = begin(dataset(side=32), SHORT, network="resnet-18", start=found, freeze_to="layer4")
    assert torch.equal(built.state_dict()["layer4.1.conv2.weight"], network.state_dict()["layer4.1.conv2.weight"])
    assert built.state_dict()["fc.weight"].shape == (128, 512)
    assert dict(built.named_modules())["layer4"] in frozen
    whole = published_start(tmp_path / "r.safetensors", "resnet-18", dim=1000)
    assert torch.equal(whole.weights["fc.weight"], network.state_dict()["fc.weight"])


@pytest.mark.parametrize(
    ("given", "options", "error", "words"),
    [
        (start(), {"network": "neighbor-cifar"}, UsageError, "of the network neighbor-mnist, not neighbor-cifar"),
        (start(), {"strided": True}, UsageError, "no strided"),
        (start(), {"freeze_to": "featuers.3"}, UsageError, r"Did you mean features\.3"),
        (start(), {"freeze_to": "embedding"}, UsageError, "nothing is left to train"),
        (start(channels=1), {}, ChannelsError, "learned from gray images, and these are color"),
        (start(size=(12, 9)), {}, UsageError, "12×9 pixels, not 10×10"),
        (start(network="neighbor-2d"), {"network": "neighbor-2d", "dim": 6}, None, ""),  # the same layers
        (start(network="neighbor-cifar"), {}, ModelError, r"do not fit neighbor-cifar: features\.\d+"),
        (start(weights={}), {}, ModelError, r"features\.0\.weight is missing"),
    ],
)
def test_what_does_not_fit_is_refused(given: Start, options: dict, error: type[Exception] | None, words: str) -> None:
    if error is None:
        fit(dataset(), replace(SHORT, epochs=0.01), method=SMALL, start=given, **options)
        return
    with pytest.raises(error, match=words):
        fit(dataset(), SHORT, method=SMALL, start=given, **options)


def test_a_mean_cannot_be_taken_off_for_weights_that_learned_without() -> None:
    with pytest.raises(UsageError, match="learned without"):
        fit(dataset(), replace(SHORT, subtract_mean=True), method=SMALL, start=start())


@pytest.mark.parametrize(
    ("given", "options", "error"),
    [
        (None, {"freeze_to": "featuers.3"}, UsageError),
        (None, {"freeze_to": "embedding"}, UsageError),
        (None, {"options": {"stride": True}}, UsageError),
        (start(channels=1), {}, ChannelsError),
        (start(weights={}), {}, ModelError),
        (start(), {"freeze_to": "features.3", "options": {"strided": False}}, None),
    ],
)
def test_it_is_refused_before_it_is_built(given: Start | None, options: dict, error: type[Exception] | None) -> None:
    for begun in (begin, require_beginning):
        if error is None:
            begun(dataset(), SHORT, network="neighbor-mnist", start=given, **options)
            continue
        with pytest.raises(error):
            begun(dataset(), SHORT, network="neighbor-mnist", start=given, **options)
