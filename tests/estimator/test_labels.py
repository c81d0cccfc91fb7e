"""Labels in every form that Python programs have for them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from ilk.errors import DataError, NoLabelsError, OneClassError, UsageError
from ilk.estimator.labels import KINDS, kind_of, labels_of, number_classes, typed


class Column:
    """What a column of a data frame has to offer."""

    def tolist(self) -> list[object]:
        return ["b", None, float("nan"), "a"]

    def __iter__(self) -> Iterator[object]:
        return iter(self.tolist())


class Arraylike:
    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return np.array([3, -1, -1, 2])


@pytest.mark.parametrize(
    ("y", "classes", "targets"),
    [
        ([10, 9, -1, 9], [9, 10], [1, 0, -1, 0]),
        ([10.0, 9.0, float("nan"), 9.0], [9, 10], [1, 0, -1, 0]),
        ([np.int8(1), np.uint64(0), None, -1.0], [0, 1], [1, 0, -1, -1]),
        (torch.tensor([1, 0, -1]), [0, 1], [1, 0, -1]),
        (["10", "9", "", "-1"], ["-1", "10", "9"], [1, 2, -1, 0]),
        (np.array(["cat", "", "dog"]), ["cat", "dog"], [0, -1, 1]),
        (np.array(["cat", -1, None, np.nan, "dog"], dtype=object), ["cat", "dog"], [0, -1, -1, -1, 1]),
        ([True, None, np.False_], [False, True], [1, -1, 0]),
        (Column(), ["a", "b"], [1, -1, -1, 0]),
        (Arraylike(), [2, 3], [1, -1, -1, 0]),
        ((name for name in "ba"), ["a", "b"], [1, 0]),
        ([-5, 3], [-5, 3], [0, 1]),
    ],
)
def test_classes_keep_their_type(y: object, classes: list, targets: list[int]) -> None:
    found, numbers = number_classes(labels_of(y))
    assert found.tolist() == classes
    assert [type(name) for name in found.tolist()] == [type(name) for name in classes]
    assert numbers.tolist() == targets
    assert typed([str(name) for name in found], kind_of(found)).dtype == found.dtype
    assert typed([str(name) for name in found], kind_of(found)).tolist() == classes


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        (None, UsageError, "requires y"),
        ("catdog", UsageError, "single value"),
        (3, UsageError, "single value"),
        ([1, 0.5], DataError, r"y\[1\]: the label 0.5"),
        ([1, float("inf")], DataError, r"y\[1\]: the label inf"),
        ([[1], [2]], DataError, r"y\[0\]: a label of type list"),
        ([-1, "1", 1], DataError, r"y\[1\] is '1', y\[2\] is 1"),
        ([True, 1], DataError, "mixes"),
        ([2**63, 1], DataError, "64 bits"),
        ([-1, None, "", float("nan")], NoLabelsError, "no label"),
        ([], NoLabelsError, "0 images"),
        (["a", "a", ""], OneClassError, "All 2 labels"),
    ],
)
def test_what_cannot_be_meant_is_refused(y: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        number_classes(labels_of(y))


@pytest.mark.parametrize(
    ("names", "kind"), [(["1", "x"], "whole number"), (["01"], "whole number"), (["no"], "truth value")]
)
def test_damaged_names_are_refused(names: list[str], kind: str) -> None:
    assert kind in KINDS
    with pytest.raises(ValueError, match=r"x|01|no"):
        typed(names, kind)
