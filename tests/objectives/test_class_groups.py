"""Groups of classes as numbers and distances, and that the recipe heeds them."""

from __future__ import annotations

import pytest
import torch

from ilk.errors import UsageError
from ilk.methods import NeighborSettings
from ilk.objectives import similar_classes
from ilk.recipes import fit, group_distances, group_numbers
from ilk.training import Settings
from tests.recipes.test_default import FEW, SHORT, dataset


def test_classes_of_one_group_have_one_number() -> None:
    numbers = group_numbers(["cat", "ship", "dog", "sun"], {"dog": "animal", "cat": "animal"})
    assert numbers.tolist() == [0, 1, 0, 2]
    assert group_numbers(["a", "b", "c"], {"a": "b", "c": "b"}).tolist() == [0, 1, 0]  # a group called like a class


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ({"caat": "x"}, "'caat', which is no class of these images. Did you mean 'cat'"),
        ({"house": "x"}, "Classes: cat, dog"),
        ({"cat": "x", "dog": "x"}, "one group"),
    ],
)
def test_groups_that_cannot_be_meant_are_refused(groups: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        group_numbers(["cat", "dog"], groups)


def test_distances_are_zero_near_or_far() -> None:
    apart = group_distances(torch.tensor([0, 1, 0]), within=1.0, between=3.0)
    assert apart.tolist() == [[0, 3, 1], [3, 0, 3], [1, 3, 0]]
    for within, between in ((0.0, 1.0), (2.0, 1.0)):
        with pytest.raises(UsageError, match="0 < within ≤ between"):
            group_distances(torch.tensor([0, 1]), within=within, between=between)


def test_the_recipe_hands_prior_knowledge_to_the_training() -> None:
    data = dataset()
    groups = group_numbers(data.classes, {"left": "side", "top": "side"})
    plain = fit(data, SHORT, method=FEW).history
    soft = fit(data, SHORT, method=FEW, class_targets=similar_classes(group_distances(groups), 0.5)).history
    grouped = fit(data, SHORT, method=FEW, groups=groups).history
    assert soft[0]["labeled"] != plain[0]["labeled"]
    assert 0 < grouped[0]["entropy"] < plain[0]["entropy"]
    assert grouped[0]["labeled"] == plain[0]["labeled"]


def test_groups_of_which_a_step_compares_none_do_no_harm() -> None:
    data, settings = dataset(), Settings(epochs=2.0)
    method = NeighborSettings(pool=24, queries=4, sampled_classes=2, entropy_start=0.0)
    groups = group_numbers(data.classes, {"left": "a", "top": "b"})
    history = fit(data, settings, method=method, groups=groups).history
    assert all(torch.tensor(list(record.values())).isfinite().all() for record in history)
