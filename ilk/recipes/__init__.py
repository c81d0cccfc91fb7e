"""The whole path from a data set to a trained space on one screen, public names only."""

from __future__ import annotations

from ilk.model.initial_weights import Start, published_start, start_of
from ilk.model.space import Space, bundle_of, space_of
from ilk.objectives.class_groups import group_distances, group_numbers
from ilk.recipes.default import FitResult, fit
from ilk.recipes.paper import Recipe, paper_recipe, schedule_in_words
from ilk.recipes.vgg import vgg_settings

__all__ = [
    "FitResult",
    "Recipe",
    "Space",
    "Start",
    "bundle_of",
    "fit",
    "group_distances",
    "group_numbers",
    "paper_recipe",
    "published_start",
    "schedule_in_words",
    "space_of",
    "start_of",
    "vgg_settings",
]
