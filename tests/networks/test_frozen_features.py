"""Frozen layers run once give what they give in the network, and what follows them trains the network's own weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import fx, nn

from ilk.data.image_source import DeviceImages
from ilk.methods import NeighborMethod
from ilk.networks import as_input, build, frozen_features
from ilk.networks.frozen_features import FrozenFeatures, cut
from ilk.networks.layers import layers_up_to
from ilk.training import TrainingState
from tests.training.tiny_run import SIDE, TINY, Tiny, pictures, run, tiny


@pytest.mark.parametrize(("network", "layer"), [("neighbor-mnist", "features.6"), ("resnet-18", "layer2")])
def test_head_and_tail_are_the_network(network: str, layer: str) -> None:
    whole = build(network, channels=3, size=(32, 32)).eval()
    head, tail = (fx.GraphModule(whole, graph) for graph in cut(whole, layer))
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(tail(head(images)), whole(images), rtol=0, atol=0)
    own = {id(parameter) for parameter in whole.parameters()}
    assert {id(parameter) for half in (head, tail) for parameter in half.parameters()} == own


def test_a_network_is_not_cut_where_a_branch_goes_around_the_layer() -> None:
    with pytest.raises(ValueError, match="before it"):
        cut(build("googlenet", channels=3), "inception_4c.branch_3x3")
    with pytest.raises(ValueError, match="no operation"):
        cut(build("neighbor-mnist", channels=1), "attic")


def frozen_state(case: Tiny, cached: bool) -> TrainingState:
    images, targets, _ = pictures()
    network, source = build("neighbor-mnist", channels=1, seed=case.settings.seed), DeviceImages(images)
    layers = layers_up_to(network, "features.6", (1, SIDE, SIDE))
    features = FrozenFeatures(network, "features.6", source, (targets >= 0).nonzero().flatten()) if cached else None
    method = NeighborMethod(network, source, targets, *case, frozen=features)
    return TrainingState(method, case.settings, layers)


@pytest.mark.parametrize("change", [{"augment": "none", "adversarial": 0.0}, {"adversarial": 0.07}])
def test_a_run_with_features_that_were_kept_is_the_run_without_but_for_rounding(change: dict) -> None:
    case = tiny(epochs=1.0, **change)
    kept, plain = (run(case, frozen_state(case, cached)) for cached in (True, False))
    for name, value in plain.average.state_dict().items():
        torch.testing.assert_close(kept.average.state_dict()[name], value, rtol=1e-3, atol=1e-4, msg=name)
    assert kept.history[-1]["labeled"] == pytest.approx(plain.history[-1]["labeled"], rel=1e-2)


def test_frozen_layers_see_an_image_once_where_nothing_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    case = tiny(epochs=2.0, augment="none", adversarial=0.0)
    seen: list[int] = []
    state = frozen_state(case, cached=True)
    first = next(layer for layer in state.network.modules() if isinstance(layer, nn.Conv2d))
    first.register_forward_hook(lambda layer, given, found: seen.append(len(found)))
    run(case, state)
    assert sum(seen) == len(pictures()[0]) + 1  # one image is passed first, to see how large its features are


def test_of_too_many_images_only_the_labeled_ones_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    images, targets, _ = pictures()
    network, labeled = build("neighbor-mnist", channels=1).eval(), (targets >= 0).nonzero().flatten()
    features = FrozenFeatures(network, "features.6", DeviceImages(images), labeled)
    one = features.through(as_input(images[:1]), "float32")
    monkeypatch.setattr(frozen_features, "MOST_BYTES", 4 * one.numel() * len(labeled))
    features.compute("float32")
    monkeypatch.setattr(features, "head", None)
    assert features.take(labeled[:3], "float32").shape == (3, *one.shape[1:])
    with pytest.raises(TypeError):
        features.take(torch.tensor([len(images) - 1]), "float32")


def test_the_settings_of_a_frozen_run_are_those_of_any(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Tiny(replace(TINY.settings, epochs=1.0), TINY.options)
    state = run(case, frozen_state(case, cached=True))
    again = run(case, frozen_state(case, cached=True))
    assert all(torch.equal(value, again.tensors()[name]) for name, value in state.tensors().items())
