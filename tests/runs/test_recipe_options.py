"""What a recipe sets in a request, and what it leaves to it."""

from __future__ import annotations

import pytest

from ilk.errors import UsageError
from ilk.methods import NeighborSettings, SoftmaxSettings
from ilk.recipes import paper_recipe
from ilk.runs.recipe_options import beside_recipe, recipe_in_words, settings_of
from ilk.runs.request import Request
from ilk.training import Settings


def test_the_default_leaves_the_request_as_it_is() -> None:
    request = Request("/data", epochs=2, learning_rate=0.3, seed=4)
    same, settings, method = settings_of(request)
    assert same == request
    assert method == NeighborSettings()
    assert settings == Settings(epochs=2.0, learning_rate=0.3, seed=4, augment="affine")
    assert settings_of(Request("/data", time_limit=9, augment="none"))[1] == Settings(time_limit=9.0, augment="none")


def test_a_published_recipe_sets_network_labels_and_training() -> None:
    resolved, settings, method = settings_of(Request("/data", recipe="mnist-100", seed=3))
    recipe = paper_recipe("mnist-100", seed=3)
    assert (settings, method) == (recipe.settings, recipe.method)
    assert (resolved.network, resolved.labels_per_class) == (recipe.network, 10)
    assert settings_of(Request("/data", recipe="mnist-100", labels_per_class=2))[0].labels_per_class == 2
    words = recipe_in_words(resolved, settings)
    assert words == "mnist-100 (the full schedule of 90 epochs, 10 labels per class)"


def test_a_method_s_recipe_leaves_the_network_open_and_takes_ten_minutes_unless_told() -> None:
    resolved, settings, method = settings_of(Request("/data", recipe="Cross_Entropy", network="vgg-11", augment="none"))
    assert (resolved.recipe, resolved.network, resolved.labels_per_class) == ("cross-entropy", "vgg-11", None)
    assert settings == Settings(time_limit=600.0, augment="none")
    assert method == SoftmaxSettings()
    assert recipe_in_words(resolved, settings) == "cross-entropy"
    assert settings_of(Request("/data", recipe="cross-entropy", epochs=2))[1].epochs == 2


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"network": "vgg-11"}, "network"),
        ({"dim": 3}, "dim"),
        ({"strided": True}, "strided"),
        ({"start": "runs/old"}, "start"),
        ({"freeze_to": "conv1"}, "freeze_to"),
        ({"learning_rate": 0.1}, "learning_rate"),
        ({"augment": "affine"}, "augment"),
    ],
)
def test_an_option_that_the_recipe_decides_is_refused_by_its_name(options: dict, name: str) -> None:
    request = Request("/data", recipe="mnist-100", **options)
    assert beside_recipe(request) == [name]
    with pytest.raises(UsageError, match=f"decides what `{name}` would set"):
        settings_of(request)


def test_a_run_needs_a_length() -> None:
    with pytest.raises(UsageError, match="number of epochs or a time limit"):
        settings_of(Request("/data"))
