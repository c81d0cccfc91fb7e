"""The table of recipes: every name gives one, other names are refused with a guess, readings are the paper's alone."""

from __future__ import annotations

import pytest

from ilk.errors import UsageError
from ilk.methods import METHODS, NeighborSettings, SoftmaxSettings, method_for
from ilk.networks import NETWORKS
from ilk.recipes import RECIPES, Recipe, paper_recipe, recipe
from ilk.recipes.paper import PUBLISHED, READINGS
from ilk.training import Settings

OURS = [name for name in RECIPES if name not in PUBLISHED]


@pytest.mark.parametrize("name", RECIPES)
def test_every_name_gives_a_recipe_with_the_length_and_the_seed_that_were_given(name: str) -> None:
    found = recipe(name, epochs=1.5, seed=7)
    assert isinstance(found, Recipe)
    assert (found.name, found.settings.epochs, found.settings.time_limit, found.settings.seed) == (name, 1.5, None, 7)
    timed = recipe(name, time_limit=30.0)
    assert (timed.settings.epochs, timed.settings.time_limit, timed.settings.seed) == (None, 30.0, 0)
    assert method_for(found.method) in METHODS.values()
    assert found.network is None or found.network in NETWORKS


def test_the_names_are_the_default_the_paper_s_and_those_that_methods_bring() -> None:
    brought = [name for method in METHODS.values() for name in method.recipes]
    assert list(RECIPES) == ["default", *PUBLISHED, *brought]
    assert len(set(brought)) == len(brought)
    assert "cross-entropy" in brought


def test_the_default_is_the_defaults_and_a_method_s_recipe_its_options() -> None:
    assert recipe("default", epochs=2.0) == Recipe("default", Settings(epochs=2.0), NeighborSettings())
    assert recipe("cross-entropy", epochs=2.0) == Recipe("cross-entropy", Settings(epochs=2.0), SoftmaxSettings())
    for method in METHODS.values():
        for name, options in method.recipes.items():
            assert recipe(name, epochs=1.0).method == options


@pytest.mark.parametrize("name", [*PUBLISHED, "mnist-100+released", "cifar10-4000+euclidean+no-decay"])
def test_those_of_the_paper_are_its_recipes_with_readings_and_a_length_of_their_own(name: str) -> None:
    assert recipe(name, seed=3) == paper_recipe(name, seed=3)
    assert recipe(name).settings.epochs == 90
    assert recipe(name.upper().replace("-", "_")) == recipe(name)


@pytest.mark.parametrize("name", OURS)
def test_others_have_no_readings_and_no_length_of_their_own(name: str) -> None:
    for reading in (*READINGS, "released", ""):
        with pytest.raises(UsageError, match=r"Readings belong to the paper's recipes \(mnist-100, cifar10-4000\)"):
            recipe(f"{name}+{reading}", epochs=1.0)
    with pytest.raises(UsageError, match="either a number of epochs or a time limit"):
        recipe(name)
    assert recipe(name.upper().replace("-", "_"), epochs=1.0) == recipe(name, epochs=1.0)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("defualt", "no recipe 'defualt'. Did you mean 'default'?"),
        ("cross-entrop", "Did you mean 'cross-entropy'?"),
        ("mnsit-100+released", "no recipe 'mnsit-100'. Did you mean 'mnist-100'?"),
        ("cifar10_400", "Did you mean 'cifar10-4000'?"),
        ("x", f"There are: {', '.join(RECIPES)}."),
        ("", "no recipe ''"),
        ("mnist-100+euclid", "reading 'euclid'. Did you mean 'euclidean'?"),
    ],
)
def test_other_names_are_refused_with_a_guess(name: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        recipe(name, epochs=1.0)
    assert said in str(caught.value)
