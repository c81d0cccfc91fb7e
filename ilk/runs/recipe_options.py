"""What a recipe sets in a request, and how much of a published schedule a run is."""

from __future__ import annotations

from dataclasses import replace

from ilk.errors import UsageError
from ilk.methods import MethodSettings
from ilk.recipes import recipe, schedule_in_words
from ilk.recipes.paper import PUBLISHED
from ilk.recipes.recipe import changed
from ilk.runs.request import DEFAULT, Request
from ilk.training import Settings

DEFAULT_SECONDS = 600.0
"""The time limit of a method's recipe, which has no length of its own, where none is given."""


def settings_of(request: Request) -> tuple[Request, Settings, MethodSettings]:
    """The settings of the training and of the method, and the same request with what its recipe decides filled in.

    Raises:
        UsageError: no such recipe, or an option beside it that the recipe itself decides.
    """
    published = request.recipe.partition("+")[0].lower().replace("_", "-") in PUBLISHED
    open_length = request.epochs is None and request.time_limit is None
    # The command line gives the default recipe its length, but cannot know which others have one of their own.
    limit = DEFAULT_SECONDS if open_length and request.recipe != DEFAULT and not published else request.time_limit
    found = recipe(request.recipe, epochs=request.epochs, time_limit=limit, seed=request.seed)
    if not published:
        settings, method = changed(
            found.settings,
            found.method,
            {"learning_rate": request.learning_rate, "augment": request.augment or found.settings.augment},
        )
        return replace(request, recipe=found.name), settings, method
    if beside := beside_recipe(request):
        raise UsageError(f"`recipe` {request.recipe} decides what `{beside[0]}` would set. Leave one of the two out.")
    labels = found.labels_per_class if request.labels_per_class is None else request.labels_per_class
    request = replace(request, recipe=found.name, network=found.network or request.network, labels_per_class=labels)
    return request, found.settings, found.method


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


def recipe_in_words(request: Request, settings: Settings) -> str:
    """The recipe of a run, its labels and how much of its schedule, for the line that says the plan."""
    if not has_schedule(request):
        return request.recipe
    schedule = schedule_in_words(settings.epochs) if settings.epochs else "schedule scaled to the time"
    return f"{request.recipe} ({schedule}, {request.labels_per_class} labels per class)"


def share_of_schedule(request: Request, epochs: float) -> str:
    """How much of its recipe's schedule a run of so many epochs is; empty for a recipe that has no schedule."""
    return schedule_in_words(epochs) if has_schedule(request) else ""


def has_schedule(request: Request) -> bool:
    """Whether the recipe is a published one, with a schedule of its own."""
    return request.recipe.partition("+")[0] in PUBLISHED
