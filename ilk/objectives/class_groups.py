"""Prior knowledge of the classes (§5.3): which of them belong together, in the forms that training takes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ilk.errors import UsageError
from ilk.shapes import Groups


def group_numbers(classes: Sequence[str], groups: Mapping[str, str]) -> Groups:
    """The group of each class as a number, for the entropy that asks nothing within a group: `fit(..., groups=...)`.

    Args:
        classes: the class names, in the order of their numbers.
        groups: class to group; a class that is not named is a group of its own.
    Returns:
        shape (classes,), from 0, in the order in which the classes need them.
    Raises:
        UsageError: a name that is no class, or one group of all classes, of which the entropy could ask nothing.
    Example:
        >>> group_numbers(["cat", "dog", "ship"], {"cat": "animal", "dog": "animal"}).tolist()
        [0, 0, 1]
    """
    for name in groups:
        if name not in classes:
            near = difflib.get_close_matches(name, classes, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Classes: {', '.join(classes[:10])}."
            raise UsageError(f"The groups name {name!r}, which is no class of these images. {hint}")
    # A group may be called as a class is, so the two kinds of name are kept apart.
    keys = [(name in groups, groups.get(name, name)) for name in classes]
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    if len(numbers) < 2:
        raise UsageError("All classes are in one group, so nothing is left to tell apart. Name two groups or more.")
    return torch.tensor([numbers[key] for key in keys])


def group_distances(groups: Groups, *, within: float = 1.0, between: float = 2.0) -> Tensor:
    """How far apart classes are that are in one group or in two, for `ilk.objectives.similar_classes`.

    Args:
        groups: shape (classes,), from `group_numbers`.
        within: between two classes of one group, above 0, any unit.
        between: between classes of two groups, at least `within`.
    Returns:
        shape (classes, classes), symmetric, 0 on the diagonal.
    Raises:
        UsageError: distances that are not in this order.
    """
    if not 0 < within <= between:
        raise UsageError(f"Distances must be 0 < within ≤ between, not {within} and {between}.")
    apart = torch.where(groups[:, None] == groups, within, between)
    return apart.fill_diagonal_(0.0)
