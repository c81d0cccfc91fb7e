"""The ranges of settings, declared with their types and checked when a settings object is made."""

from __future__ import annotations

import numbers
import types
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ilk.errors import UsageError


@dataclass(frozen=True)
class Range:
    """What a number may be.

    Args:
        least: the smallest value allowed.
        most: the largest value allowed; None for any finite one.
        above: `least` itself is not allowed.
    """

    least: float | int
    most: float | int | None = None
    above: bool = False

    def problem(self, value: Any) -> str | None:
        """What the value must be, as the end of "name must …"; None where it is."""
        if self.most is not None:
            return None if self.least <= value <= self.most else f"lie between {self.least} and {self.most}"
        if self.above:
            return None if self.least < value < float("inf") else f"be above {self.least}"
        return None if self.least <= value < float("inf") else f"be at least {self.least}"


class Choice:
    """The words that a text may be."""

    def __init__(self, *words: str) -> None:
        self.words = words


Positive = Annotated[float, Range(0, above=True)]
NotNegative = Annotated[float, Range(0)]
Fraction = Annotated[float, Range(0, 1)]
Count = Annotated[int, Range(1)]
CountFrom0 = Annotated[int, Range(0)]

_ABSTRACT: dict[Any, Any] = {int: numbers.Integral, float: numbers.Real}


def check_settings(settings: Any) -> None:
    """Refuse a field of a frozen dataclass whose value is not of its annotated type, choice or range.

    Args:
        settings: a dataclass whose fields are annotated with plain types, `Literal`, `None`, ranges and choices.
    Raises:
        UsageError: names the field, what is allowed and the value.
    """
    hints = get_type_hints(type(settings), include_extras=True)
    for field in fields(settings):
        value = getattr(settings, field.name)
        if problem := _problem(value, hints[field.name]):
            raise UsageError(f"{field.name} {problem}.")


def _problem(value: Any, hint: Any) -> str | None:
    """What is wrong with a value, as a sentence without its subject; None if one of the types allows it."""
    kinds = _alternatives(hint)
    problems = [_problem_within(value, kind) for kind in kinds if _is_of(value, kind)]
    if not problems:
        return f"must be of the type {' | '.join(_name(kind) for kind in kinds)}, not {value!r}"
    return None if None in problems else problems[0]


def _problem_within(value: Any, kind: Any) -> str | None:
    """What is wrong with a value that is of this type: its range or its choice."""
    ranges = [extra for extra in getattr(kind, "__metadata__", ()) if isinstance(extra, Range)]
    problem = next(filter(None, (each.problem(value) for each in ranges)), None)
    if problem:
        return f"must {problem}, not {value}"
    words = get_args(kind) if get_origin(kind) is Literal else _words(kind)
    return f"is one of {', '.join(map(str, words))}, not {value!r}" if words and value not in words else None


def _words(kind: Any) -> tuple[str, ...]:
    return next((extra.words for extra in getattr(kind, "__metadata__", ()) if isinstance(extra, Choice)), ())


def _alternatives(hint: Any) -> list[Any]:
    """The types of a union; a range around a union is one around each of its types but None."""
    if get_origin(hint) is Annotated:
        inner, *extras = get_args(hint)
        return [kind if kind is type(None) else Annotated[(kind, *extras)] for kind in _alternatives(inner)]
    union = get_origin(hint) in (Union, types.UnionType)
    return list(get_args(hint)) if union else [hint]


def _is_of(value: Any, kind: Any) -> bool:
    plain = _plain(kind)
    if plain is type(None):
        return value is None
    if isinstance(value, bool) or plain is bool:  # True is a number to Python, not to a reader
        return isinstance(value, bool) and plain is bool
    return isinstance(value, _ABSTRACT.get(plain, plain))


def _plain(kind: Any) -> Any:
    """The class behind an annotation: of a choice that of its values, of a generic its origin."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return type(get_args(kind)[0])
    return get_origin(kind) or kind


def _name(kind: Any) -> str:
    plain = _plain(kind)
    return "None" if plain is type(None) else str(plain.__name__)
