"""How a step learns: one file per family of methods, and the table of their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ilk.errors import UsageError
from ilk.methods.class_priors import ClassPriors
from ilk.methods.neighbor import NeighborMethod
from ilk.methods.neighbor_settings import NeighborSettings
from ilk.methods.pseudo_labels import PseudoLabels
from ilk.methods.softmax import SoftmaxMethod, SoftmaxSettings
from ilk.training.method import MethodSettings

__all__ = [
    "METHODS",
    "ClassPriors",
    "MethodSettings",
    "NeighborMethod",
    "NeighborSettings",
    "PseudoLabels",
    "SoftmaxMethod",
    "SoftmaxSettings",
    "method_for",
    "method_settings",
    "named_options",
]

METHODS: dict[str, Any] = {
    "neighbor": NeighborMethod,
    "softmax": SoftmaxMethod,
}
"""The methods by name; each has its settings as `Options` and its losses as `curves`."""


def method_for(options: MethodSettings) -> Any:
    """The method that these settings are of."""
    return next(method for method in METHODS.values() if method.Options is type(options))


def named_options(options: MethodSettings) -> dict[str, Any]:
    """The name of the method and its settings, as JSON can hold them; `method_settings()` reads them back."""
    name = next(name for name, method in METHODS.items() if method.Options is type(options))
    return {"name": name, "options": asdict(options)}


def method_settings(named: Mapping[str, Any]) -> MethodSettings:
    """The settings that `named_options()` gave.

    Raises:
        UsageError: no such method, or a value out of its range.
        TypeError: a setting that the method does not have.
    """
    if named["name"] not in METHODS:
        raise UsageError(f"There is no method {named['name']!r}. There are: {', '.join(METHODS)}.")
    options: MethodSettings = METHODS[named["name"]].Options(**named["options"])
    return options
