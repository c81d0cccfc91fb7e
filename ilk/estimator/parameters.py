"""The checks of the parameters when `fit` begins: constructors of scikit-learn store and do not judge."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from ilk.errors import UsageError
from ilk.runs.seeds import require_seed
from ilk.training import Settings

NOTHING = type(None)
ALLOWED: dict[str, dict[type, str]] = {
    "time_limit": {Real: "seconds", NOTHING: "None"},
    "random_state": {Integral: "a whole number", np.random.RandomState: "a RandomState", NOTHING: "None"},
    "epochs": {Real: "a number", NOTHING: "None"},
    "network": {str: "a name"},
    "size": {Integral: "pixels", tuple: "(height, width)", list: "[height, width]", NOTHING: "None"},
    "augment": {str: "a name"},
    "device": {str: "a name"},
    "n_neighbors": {Integral: "a whole number", NOTHING: "None"},
    "max_pixels": {Integral: "a whole number"},
    "checkpoint": {str: "a folder", os.PathLike: "a path", NOTHING: "None"},
    "verbose": {Integral: "0 or 1", bool: "True or False"},
}


def check_parameters(given: Mapping[str, Any]) -> None:
    """Refuse parameters of a wrong type, and those out of range that training would notice too late.

    Args:
        given: all parameters of the estimator by name.
    Raises:
        UsageError: names the parameter, what it was, and what is allowed.
    """
    for name, kinds in ALLOWED.items():
        value = given[name]
        if not isinstance(value, tuple(kinds)) or (isinstance(value, bool) and bool not in kinds):
            raise UsageError(f"{name}={value!r} cannot be. Allowed: {' or '.join(kinds.values())}.")
    for name in ("n_neighbors", "max_pixels"):
        if given[name] is not None and given[name] < 1:
            raise UsageError(f"{name} must be at least 1, not {given[name]}.")
    if isinstance(given["size"], tuple | list):
        sides = [side for side in given["size"] if isinstance(side, Integral)]
        if len(sides) != 2 or len(given["size"]) != 2:
            raise UsageError(f"size={given['size']!r} cannot be. Allowed: two whole numbers, (height, width).")


def settings_of(given: Mapping[str, Any]) -> Settings:
    """The settings of the training with these parameters; raises like `check_parameters()` and `seed_of()`."""
    check_parameters(given)
    epochs = None if given["epochs"] is None else float(given["epochs"])
    limited = epochs is None and given["time_limit"] is not None
    return Settings(
        epochs=epochs,
        time_limit=float(given["time_limit"]) if limited else None,
        augment=given["augment"],
        seed=seed_of(given["random_state"]),
    )


def require_neighbors(n_neighbors: Integral | None, labels: int) -> None:
    """Refuse more voting neighbors than there are labels, each of which would then vote for every image."""
    if n_neighbors is not None and int(n_neighbors) > labels:
        raise UsageError(f"n_neighbors {n_neighbors}: allowed are 1 to {labels}, the labeled images.")


def sides_of(size: Any) -> int | tuple[int, int] | None:
    """The size as plain numbers, whatever whole numbers it was given in."""
    if size is None or isinstance(size, Integral):
        return None if size is None else int(size)
    return int(size[0]), int(size[1])


def seed_of(random_state: Any) -> int:
    """The seed that a random_state stands for; the global generator of NumPy is left alone.

    Raises:
        UsageError: a number that is no seed.
    """
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    require_seed(int(random_state))
    return int(random_state)
