"""What a recipe sets in a request, and how much of a published schedule a run is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from ilk.data import Dataset
from ilk.errors import UsageError
from ilk.recipes import paper_recipe, schedule_in_words
from ilk.recipes.paper import EPOCHS
from ilk.runs.request import DEFAULT, Request
from ilk.training import Settings
from ilk.training.loop import length, sampler_of

if TYPE_CHECKING:
    from ilk.runs.resolve import Plan

AUGMENT = "affine"
"""How the default recipe changes images, unless it is told otherwise."""


def settings_of(request: Request) -> tuple[Request, Settings]:
    """The settings of the training, and the same request with what its recipe decides filled in.

    Raises:
        UsageError: no such recipe, or an option beside it that the recipe itself decides.
    """
    if request.recipe == DEFAULT:
        return request, Settings(
            epochs=request.epochs,
            time_limit=request.time_limit,
            learning_rate=request.learning_rate,
            augment=request.augment or AUGMENT,
            seed=request.seed,
        )
    if given := beside_recipe(request):
        raise UsageError(f"`recipe` {request.recipe} decides what `{given[0]}` would set. Leave one of the two out.")
    recipe = paper_recipe(request.recipe, epochs=request.epochs, time_limit=request.time_limit, seed=request.seed)
    labels = recipe.labels_per_class if request.labels_per_class is None else request.labels_per_class
    return replace(request, recipe=recipe.name, network=recipe.network, labels_per_class=labels), recipe.settings


def beside_recipe(request: Request) -> list[str]:
    """The options that were given although a published recipe decides them."""
    given = {
        "network": request.network != "auto",
        "dim": request.dim is not None,
        "strided": request.strided,
        "start": request.start is not None,
        "freeze_to": request.freeze_to is not None,
        "learning_rate": request.learning_rate is not None,
        "augment": request.augment not in (None, "none"),
    }
    return [name for name, said in given.items() if said]


def recipe_in_words(plan: Plan) -> str:
    """The recipe of a run, its labels and how much of its schedule, for the line that says the plan."""
    request, epochs = plan.request, plan.settings.epochs
    if request.recipe == DEFAULT:
        return DEFAULT
    schedule = schedule_in_words(epochs) if epochs else "schedule scaled to the time"
    return f"{request.recipe} ({schedule}, {request.labels_per_class} labels per class)"


def share_of_schedule(plan: Plan, dataset: Dataset, steps: int) -> str:
    """How much of its recipe's schedule a run of so many steps is; empty for the default, which has no schedule."""
    if plan.request.recipe == DEFAULT:
        return ""
    sampler = sampler_of(torch.from_numpy(dataset.targets), plan.settings)
    return schedule_in_words(EPOCHS * steps / length(EPOCHS, sampler))
