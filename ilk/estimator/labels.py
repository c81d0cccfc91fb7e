"""y of every form as class numbers, and class numbers as labels of the type that they came in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ilk.data import UNLABELED
from ilk.data.labeling import label_text
from ilk.errors import DataError, NoLabelsError, OneClassError, UsageError
from ilk.shapes import Targets

Label = str | int | bool
KINDS: dict[str, type[Label]] = {"text": str, "whole number": int, "truth value": bool}


def labels_of(y: Any) -> list[Label | None]:
    """One plain value per image, None where y holds −1, None, NaN or ""; the text "-1" is a class.

    Args:
        y: a list, array, tensor or column of texts, whole numbers or truth values.
    Raises:
        UsageError: y is None or a single value.
        DataError: a value that names no class, such as 0.5.
    """
    if y is None:
        raise UsageError(
            "NeighborEmbedding requires y to be passed, but the target y is None. Give one label for each image; "
            '−1, None, NaN or "" where it is unknown.'
        )
    if isinstance(y, str | bytes) or not (hasattr(y, "__iter__") or hasattr(y, "__array__")):
        raise UsageError(f"y is the single value {y!r}. Give a list or an array with one label for each image.")
    y = np.asarray(y) if hasattr(y, "__array__") and not hasattr(y, "tolist") else y
    if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1:  # a column of a table
        y = y.reshape(-1)
    values = y.tolist() if hasattr(y, "tolist") else y
    return [_label(value, f"y[{row}]") for row, value in enumerate(values)]


def _label(value: Any, place: str) -> Label | None:
    text = label_text(value, place)
    if text is None or isinstance(value, str):
        return text
    if isinstance(value, bool | np.bool_):
        return bool(value)
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise DataError(f"{place}: the label {number} needs more than 64 bits. Give it as text.")
    return None if number == UNLABELED else number


def number_classes(labels: Sequence[Label | None]) -> tuple[np.ndarray, Targets]:
    """The classes, sorted, and the position of each label among them, −1 where there is none.

    Args:
        labels: of `labels_of()`.
    Raises:
        NoLabelsError: there is no label.
        OneClassError: all labels are equal.
        DataError: texts beside numbers.
    """
    rows = [row for row, label in enumerate(labels) if label is not None]
    if not rows:
        raise NoLabelsError(
            f"y holds no label for any of its {len(labels)} images. Label some of at least two classes."
        )
    first = rows[0]
    other = next((row for row in rows if type(labels[row]) is not type(labels[first])), None)
    if other is not None:
        raise DataError(
            f"y mixes kinds of labels: y[{first}] is {labels[first]!r}, y[{other}] is {labels[other]!r}. Use one kind."
        )
    classes, numbers = np.unique(np.array([labels[row] for row in rows]), return_inverse=True)
    if len(classes) == 1:
        raise OneClassError(f"All {len(rows)} labels in y name 1 class, {labels[first]!r}. Label some of another one.")
    targets = np.full(len(labels), UNLABELED, dtype=np.int64)
    targets[rows] = numbers
    return classes, targets


def kind_of(classes: np.ndarray) -> str:
    """The name in `KINDS` of what the classes are."""
    return {"U": "text", "i": "whole number", "b": "truth value"}[classes.dtype.kind]


def typed(names: Sequence[str], kind: str) -> np.ndarray:
    """Class names as the labels that they came from.

    Raises:
        KeyError: there is no such kind.
        ValueError: a name is not of that kind.
    """
    labels = [name == "True" if KINDS[kind] is bool else KINDS[kind](name) for name in names]
    if [str(label) for label in labels] != list(names):
        raise ValueError(f"the classes {list(names)[:3]} are no {kind}s")
    return np.array(labels)
