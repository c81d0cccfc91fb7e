"""Changed settings: each goes where it belongs, and what belongs nowhere is refused with a guess."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ilk.errors import UsageError
from ilk.methods import METHODS, NeighborSettings
from ilk.recipes.recipe import changed, require_known
from ilk.training import Settings

BOTH = (Settings(epochs=2.0), NeighborSettings())


def test_each_setting_goes_where_it_belongs() -> None:
    settings, method = changed(*BOTH, {"learning_rate": 0.3, "pool": 8, "seed": 4, "distance": "euclidean"})
    assert settings == Settings(epochs=2.0, learning_rate=0.3, seed=4)
    assert method == NeighborSettings(pool=8, distance="euclidean")
    assert changed(*BOTH, {}) == BOTH


@pytest.mark.parametrize("kind", METHODS.values())
def test_no_setting_of_a_method_is_called_like_one_of_every_run(kind: type) -> None:
    assert not {field.name for field in fields(Settings)} & {field.name for field in fields(kind.Options)}


def test_what_neither_has_and_what_lies_outside_its_range_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no setting 'learning_rat'\. Did you mean 'learning_rate'"):
        changed(*BOTH, {"learning_rat": 0.1})
    with pytest.raises(UsageError, match=r"no setting 'sampled_class'\. Did you mean 'sampled_classes'"):
        changed(*BOTH, {"sampled_class": 3})
    with pytest.raises(UsageError, match="sets must be at least 1, not 0"):
        changed(*BOTH, {"sets": 0})
    with pytest.raises(UsageError, match="not both"):
        changed(*BOTH, {"time_limit": 5.0})


def test_an_unknown_word_is_refused_with_the_nearest_or_all() -> None:
    require_known("color", "red", ["red", "green"])
    with pytest.raises(UsageError, match=r"There is no color 'gren'\. Did you mean 'green'\?"):
        require_known("color", "gren", ["red", "green"])
    with pytest.raises(UsageError, match=r"There is no color 'x'. There are: red, green\."):
        require_known("color", "x", iter(["red", "green"]))
