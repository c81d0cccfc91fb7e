"""From a data set to a trained space: the default, published results, and the table of their names."""

from __future__ import annotations

from ilk.model.initial_weights import Start, published_start, start_of
from ilk.model.space import Space, bundle_of, space_of
from ilk.objectives.class_groups import group_distances, group_numbers
from ilk.recipes.default import FitResult, fit
from ilk.recipes.paper import paper_recipe, schedule_in_words
from ilk.recipes.recipe import Recipe
from ilk.recipes.table import RECIPES, recipe
from ilk.recipes.vgg import vgg_settings

__all__ = [
    "RECIPES",
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
    "recipe",
    "schedule_in_words",
    "space_of",
    "start_of",
    "vgg_settings",
]
