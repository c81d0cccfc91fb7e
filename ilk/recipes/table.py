"""The recipes by name: one plain table, in which `ilk fit --recipe` looks a function up."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ilk.errors import UsageError
from ilk.methods import METHODS, MethodSettings, NeighborSettings
from ilk.recipes.paper import PUBLISHED, paper_recipe
from ilk.recipes.recipe import Recipe, require_known
from ilk.training import Settings

DEFAULT = "default"


def with_defaults(
    name: str,
    *,
    method: MethodSettings,
    epochs: float | None = None,
    time_limit: float | None = None,
    seed: int = 0,
) -> Recipe:
    """A method under the default settings of the training."""
    return Recipe(name, Settings(epochs=epochs, time_limit=time_limit, seed=seed), method)


RECIPES: dict[str, Callable[..., Recipe]] = {
    DEFAULT: partial(with_defaults, method=NeighborSettings()),
    **dict.fromkeys(PUBLISHED, paper_recipe),
    **{
        name: partial(with_defaults, method=options)
        for method in METHODS.values()
        for name, options in method.recipes.items()
    },
}
"""A function for each name: (name, epochs, time_limit, seed) to a Recipe. A method brings names of its own."""


def recipe(name: str, *, epochs: float | None = None, time_limit: float | None = None, seed: int = 0) -> Recipe:
    """The recipe of that name.

    Args:
        name: of `RECIPES`; for the paper's, readings follow after `+`.
        epochs, time_limit: passes over the images, or seconds; neither leaves a recipe of the paper its own length.
        seed: of everything random.
    Raises:
        UsageError: no such recipe or reading, or no length where the recipe has none of its own.
    """
    base, *readings = name.lower().replace("_", "-").split("+")
    require_known("recipe", base, RECIPES)
    if readings and base not in PUBLISHED:
        whose = "the default has none" if base == DEFAULT else f"{base} has none"
        raise UsageError(f"Readings belong to the paper's recipes ({', '.join(PUBLISHED)}); {whose}.")
    return RECIPES[base](name.lower().replace("_", "-"), epochs=epochs, time_limit=time_limit, seed=seed)
