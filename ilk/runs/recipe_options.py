"""`ilk fit --recipe`: what a published recipe sets in a request, and how much of its schedule a run is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ilk.errors import UsageError
from ilk.methods import named_options
from ilk.recipes import recipe, schedule_in_words
from ilk.recipes.paper import PUBLISHED
from ilk.recipes.table import DEFAULT
from ilk.runs.request import Request


def prescribe(name: str, asked: dict[str, Any], augment: str | None) -> dict[str, Any]:
    """The same request as the recipe has it: network, labels per class unless given, and all settings.

    Args:
        name: of the recipe, with its readings.
        asked: the fields of a Request; its settings hold epochs or time_limit, or neither for the whole schedule.
        augment: what was given as `augment`, if anything.
    Raises:
        UsageError: no such recipe, or an option beside it that the recipe itself decides.
    """
    settings = asked["settings"]
    given = {
        "`network`": asked["network"] != "auto",
        "`dim`": asked["dim"] is not None,
        "`strided`": asked["strided"],
        "`start`": asked["start"] is not None,
        "`freeze_to`": asked["freeze_to"] is not None,
        "`learning_rate`": settings["learning_rate"] is not None,
        "`augment`": augment not in (None, "none"),
    }
    if beside := [option for option, said in given.items() if said]:
        raise UsageError(f"`recipe` {name} decides what {beside[0]} would set. Leave one of the two out.")
    found = recipe(name, epochs=settings["epochs"], time_limit=settings["time_limit"], seed=settings["seed"])
    labels = found.labels_per_class if asked["labels_per_class"] is None else asked["labels_per_class"]
    return asked | {
        "recipe": found.name,
        "network": found.network,
        "labels_per_class": labels,
        "settings": asdict(found.settings),
        "method": named_options(found.method),
    }


def plan_of(request: Request) -> str:
    """The recipe of a run, its labels and how much of its schedule, for the line that says the plan."""
    if request.recipe == DEFAULT:
        return DEFAULT
    epochs = request.settings.epochs
    schedule = schedule_in_words(epochs) if epochs else "schedule scaled to the time"
    return f"{request.recipe} ({schedule}, {request.labels_per_class} labels per class)"


def share_of(request: Request, epochs: float) -> str:
    """How much of its recipe's schedule a run of so many epochs is; empty for one that has no schedule of its own."""
    return schedule_in_words(epochs) if request.recipe.split("+")[0] in PUBLISHED else ""
