"""Parameters are judged when training begins, in words."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from ilk import NeighborEmbedding
from ilk.errors import UsageError
from ilk.estimator.parameters import check_parameters, require_neighbors, seed_of, settings_of, sides_of


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"epochs": np.float32(2), "n_neighbors": np.int64(3), "size": np.int32(28), "verbose": True},
        {"size": (28, 32), "random_state": np.random.RandomState(0), "time_limit": None, "epochs": Fraction(1, 2)},
    ],
)
def test_sound_parameters_pass(given: dict) -> None:
    check_parameters(NeighborEmbedding(**given).get_params())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("time_limit", "10m"),
        ("epochs", True),
        ("network", None),
        ("size", "28"),
        ("size", (28,)),
        ("size", (28, 2.5)),
        ("size", (1, 2, 3)),
        ("n_neighbors", 0),
        ("n_neighbors", 1.5),
        ("max_pixels", 0),
        ("random_state", "x"),
        ("verbose", "yes"),
        ("checkpoint", 3),
    ],
)
def test_others_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name):
        check_parameters(NeighborEmbedding(**{name: value}).get_params())


def test_epochs_come_before_the_time_limit() -> None:
    given = NeighborEmbedding(epochs=3, random_state=np.int64(5), augment="none").get_params()
    settings = settings_of(given)
    assert (settings.epochs, settings.time_limit, settings.seed, settings.augment) == (3.0, None, 5, "none")
    assert settings_of(given | {"epochs": None}).time_limit == 600.0
    with pytest.raises(UsageError, match="not both and not neither"):
        settings_of(given | {"epochs": None, "time_limit": None})


def test_sizes_become_plain_numbers() -> None:
    assert sides_of(None) is None
    assert type(sides_of(np.int64(28))) is int
    assert sides_of([np.int64(28), 32]) == (28, 32)


def test_seeds() -> None:
    assert seed_of(np.int64(7)) == 7
    state, same = np.random.RandomState(3), np.random.RandomState(3)
    first = seed_of(state)
    assert first == seed_of(same) != seed_of(state)
    before = np.random.get_state()[1].tolist()
    assert len({seed_of(None) for _ in range(5)}) > 1
    assert np.random.get_state()[1].tolist() == before
    for bad in (-1, 2**63):
        with pytest.raises(UsageError, match="no seed"):
            seed_of(bad)


def test_more_neighbors_than_labels_are_refused() -> None:
    require_neighbors(None, 3)
    require_neighbors(3, 3)
    with pytest.raises(UsageError, match="n_neighbors 4: allowed are 1 to 3, the labeled images"):
        require_neighbors(4, 3)
