"""What a recipe is: settings of the training and of a method, and what else repeats a result."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ilk.errors import UsageError
from ilk.methods import MethodSettings
from ilk.training import Settings


@dataclass(frozen=True)
class Recipe:
    """What `fit()` and `hide_labels()` are given to repeat a result.

    Args:
        name: of the recipe, with its readings, such as "mnist-100+euclidean".
        settings: of the training.
        method: settings of the method.
        network: a name of `ilk.networks.NETWORKS`; None leaves it open.
        labels_per_class: how many labels of each class the result stands on; None for all.
    """

    name: str
    settings: Settings
    method: MethodSettings
    network: str | None = None
    labels_per_class: int | None = None


def changed(settings: Settings, method: Any, changes: Mapping[str, Any]) -> tuple[Settings, Any]:
    """The settings of the training and of the method with these values, each where it belongs.

    Raises:
        UsageError: neither has such a setting, or a value is out of its range.
    """
    of_training, of_method = ({field.name for field in fields(each)} for each in (settings, method))
    for name in changes:
        require_known("setting", name, of_training | of_method)
    settings = replace(settings, **{name: value for name, value in changes.items() if name in of_training})
    return settings, replace(method, **{name: value for name, value in changes.items() if name not in of_training})


def require_known(what: str, word: str, known: Iterable[str]) -> None:
    """Refuse a word that is not known, and guess which one was meant.

    Raises:
        UsageError: with the nearest known word, or all of them.
    """
    known = list(known)
    if word in known:
        return
    near = difflib.get_close_matches(word, known, n=1)
    guess = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
    raise UsageError(f"There is no {what} {word!r}. {guess}")
