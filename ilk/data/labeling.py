"""From labels as people write them to class numbers."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import normalize

import numpy as np

from ilk.data.dataset import UNLABELED
from ilk.errors import DataError
from ilk.shapes import Targets

_INTEGER = re.compile(r"[+-]?[0-9]+")
_INVISIBLE = "\u200b\u200e\u200f\u2060\ufeff"
"""Characters without width, which come along when text is copied from pages."""
_BLANKS = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())


def label_text(value: Any, place: str) -> str | None:
    """A label cell as a class name; None where it is empty, null or NaN.

    Whole numbers of any type give one label (3 and 3.0 are "3"). Text loses the blanks and invisible characters around
    it, is put on one line, and has its accents composed (Unicode NFC), so that the two spellings of é are one class.

    Args:
        value: what stood in the cell.
        place: where it stood, for the message.

    Raises:
        DataError: the cell holds something that names no class, such as 0.5 or a list.
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # pandas' two ways to say "missing"
        return None
    if isinstance(value, str):
        return plain_text(value) or None
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return str(value)
    if isinstance(value, float | np.floating):
        if math.isnan(value):
            return None
        if float(value).is_integer():
            return str(int(value))
        raise DataError(f"{place}: the label {value!r} is not a whole number. A label is a text or a whole number.")
    raise DataError(
        f"{place}: a label of type {type(value).__name__} names no class. A label is one text or one whole number."
    )


def plain_text(text: str) -> str:
    """A text on one line, accents composed, without blanks and invisible characters around it."""
    # Each step looks at each character once: a label may have a million of them.
    lines = normalize("NFC", text).replace("\r", "\n").split("\n")
    return " ".join(filter(None, (line.strip() for line in lines))).strip(_BLANKS + _INVISIBLE)


def order_classes(labels: Iterable[str | None], order: Sequence[str] = ()) -> tuple[str, ...]:
    """The classes that occur, each once: in the given order first, then whole numbers by value, or else sorted text."""
    present = {label for label in labels if label is not None}
    first = [name for name in dict.fromkeys(order) if name in present]
    rest = present.difference(first)
    if all(_INTEGER.fullmatch(name) for name in rest):
        return (*first, *sorted(rest, key=lambda name: (int(name), name)))
    return (*first, *sorted(rest))


def spelling_notes(texts: Iterable[str], place: str) -> tuple[str, ...]:
    """A sentence on classes that stand in a source in two Unicode spellings, and are one; or nothing."""
    spellings: dict[str, set[str]] = defaultdict(set)
    for text in set(texts):
        spellings[plain_text(text)].add(text.strip())
    merged = sorted(name for name, forms in spellings.items() if name and len(forms) > 1)
    if not merged:
        return ()
    return (f"{place}: written in two Unicode spellings, and taken as one class each: {', '.join(merged[:5])}.",)


def case_notes(counts: Mapping[str, int]) -> tuple[str, ...]:
    """A sentence on classes that differ in letter case only, which are kept apart; or nothing."""
    same_letters: dict[str, list[str]] = defaultdict(list)
    for name in counts:
        same_letters[name.casefold()].append(name)
    groups = [names for names in same_letters.values() if len(names) > 1]
    if not groups:
        return ()
    shown = "; ".join(" and ".join(f"{name!r} ({counts[name]:,})" for name in names) for names in groups[:3])
    return (
        f"Classes that differ in letter case only are kept apart: {shown}. Did you mean one class? Spell it alike.",
    )


def number_labels(labels: Sequence[str | None], classes: Sequence[str]) -> Targets:
    """The class number of each label, shape (n,), int64; −1 where there is none."""
    numbers: dict[str | None, int] = {name: number for number, name in enumerate(classes)}
    numbers[None] = UNLABELED
    return np.fromiter((numbers[label] for label in labels), dtype=np.int64, count=len(labels))
