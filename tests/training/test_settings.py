"""Settings that cannot be meant are refused with the name, the value and what is allowed."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from pathlib import Path

import numpy as np
import pytest

from ilk.errors import UsageError
from ilk.training import Settings


def settings(**values: object) -> Settings:
    """Settings made as outside the tests, where no type is checked before the settings' own check."""
    made = object.__new__(Settings)
    inspect.unwrap(Settings.__init__)(made, **({"epochs": 1.0} | values))
    return made


@pytest.mark.parametrize("name", ["epochs", "time_limit", "temperature", "learning_rate"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_must_be_above_0(name: str, value: float) -> None:
    given = {"epochs": None, name: value} if name == "time_limit" else {name: value}
    with pytest.raises(UsageError, match=f"{name} must be above 0, not"):
        settings(**given)


@pytest.mark.parametrize(
    "name", ["labeled_weight", "entropy_weight", "consistency_weight", "weight_decay", "warmup_steps"]
)
@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_must_be_at_least_0(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"{name} must be (at least 0|of the type int), not"):
        settings(**{name: value})
    settings(**{name: 0})


@pytest.mark.parametrize(
    ("name", "least"), [("sets", 1), ("queries", 1), ("pool", 0), ("compared", 2), ("patience", 1)]
)
def test_counts_have_a_least(name: str, least: int) -> None:
    settings(**{name: least})
    with pytest.raises(UsageError, match=f"{name} must be at least {least}, not {least - 1}"):
        settings(**{name: least - 1})


@pytest.mark.parametrize("name", ["entropy_start", "entropy_ramp", "threshold", "momentum", "averaging", "dropout"])
@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan])
def test_must_lie_between_0_and_1(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"{name} must lie between 0 and 1, not"):
        settings(**{name: value})


@pytest.mark.parametrize("name", ["distance", "augment", "schedule", "pool_of", "initialization"])
def test_an_unknown_choice_names_the_known_ones(name: str) -> None:
    known = getattr(Settings(epochs=1.0), name)
    with pytest.raises(UsageError, match=rf"{name} is one of .*{known}.*, not 'odd'"):
        settings(**{name: "odd"})


def test_exactly_one_of_epochs_and_time_limit() -> None:
    for given in ({"epochs": None}, {"epochs": 1.0, "time_limit": 60.0}):
        with pytest.raises(UsageError, match="either a number of epochs or a time limit"):
            settings(**given)
    settings(epochs=0.5)
    settings(epochs=None, time_limit=60.0)


def test_are_frozen_and_come_back_from_their_own_fields() -> None:
    given = Settings(epochs=2.5, sets=3)
    assert Settings(**dataclasses.asdict(given)) == given
    with pytest.raises(dataclasses.FrozenInstanceError):
        given.sets = 4  # type: ignore[misc]


def test_consistency_needs_both_a_weight_and_a_change() -> None:
    assert Settings(epochs=1.0).uses_consistency
    assert not Settings(epochs=1.0, consistency_weight=0.0).uses_consistency
    assert not Settings(epochs=1.0, augment="none", adversarial=0.0).uses_consistency
    assert Settings(epochs=1.0, augment="none").uses_consistency
    assert not Settings(epochs=1.0, pool=0).uses_consistency


def test_the_rate_is_the_network_s_unless_it_is_given() -> None:
    class Slow:
        starting_rate, temperature = 0.003, 0.5

    for network in (Slow, Slow()):
        assert Settings(epochs=1.0).for_network(network) == Settings(epochs=1.0, learning_rate=0.003, temperature=0.5)
        assert Settings(epochs=1.0, temperature=3.0).for_network(network).divisor == 3.0
        assert Settings(epochs=1.0, learning_rate=0.2).for_network(network).learning_rate == 0.2
    assert Settings(epochs=1.0).for_network(object()).learning_rate == 0.1
    assert Settings(epochs=1.0).divisor == Settings(epochs=1.0).for_network(object()).divisor == 8.0


def test_the_page_of_settings_names_the_defaults_as_they_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", page, re.MULTILINE))
    assert len(named) >= 16
    assert named == {name: str(getattr(Settings(epochs=1.0), name)) for name in named}


@pytest.mark.parametrize(
    ("name", "value"),
    [("adversarial", "x"), ("spread_share", None), ("pool", "8"), ("sets", 2.5), ("threshold", True), ("nesterov", 1)],
)
def test_a_setting_of_another_type_is_refused_by_name_without_the_checker_of_the_tests(
    name: str, value: object
) -> None:
    bare = inspect.unwrap(Settings.__init__)
    with pytest.raises(UsageError, match=f"{name} must be of the type .*, not {value!r}"):
        bare(object.__new__(Settings), epochs=1.0, **{name: value})
    bare(object.__new__(Settings), epochs=np.float32(1), pool=np.int64(8))
