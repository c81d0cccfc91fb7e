"""What is special to the unlabeled objective: certainty, groups of classes, its door. Its laws are in test_laws.py."""

from __future__ import annotations

import inspect
import math

import pytest
import torch

from ilk.errors import ShapeError
from ilk.objectives import minimum_entropy
from ilk.objectives.minimum_entropy import group_log_probabilities


def test_hand_worked_case() -> None:
    log_p = torch.tensor([[[0.5, 0.5], [1.0, 0.0]]]).log()
    assert minimum_entropy(log_p).item() == pytest.approx(math.log(2) / 2)


def test_certainty_costs_nothing_and_has_a_gradient_that_is_a_number() -> None:
    log_p = torch.tensor([[[0.0, -math.inf, -1e6]]], requires_grad=True)
    loss = minimum_entropy(log_p)
    loss.backward()
    assert loss.item() == 0
    assert log_p.grad is not None
    assert log_p.grad.isfinite().all()


def test_never_above_log_c() -> None:
    draw = torch.Generator().manual_seed(0)
    for _ in range(20):
        log_p = torch.randn(3, 2, 5, generator=draw).log_softmax(2)
        assert 0 < minimum_entropy(log_p).item() < math.log(5)


def test_within_a_group_nothing_is_asked() -> None:
    log_p = torch.tensor([[[0.5, 0.5, 0.0]], [[0.1, 0.9, 0.0]]]).log()
    assert minimum_entropy(log_p, torch.tensor([0, 0, 1])).item() == pytest.approx(0, abs=1e-6)
    assert minimum_entropy(log_p, torch.tensor([0, 1, 1])).item() > 0.3


def test_each_class_its_own_group_is_no_grouping_and_an_empty_group_is_harmless() -> None:
    log_p = torch.randn(3, 2, 3, generator=torch.Generator().manual_seed(1)).log_softmax(2).requires_grad_()
    plain = minimum_entropy(log_p).item()
    assert minimum_entropy(log_p, torch.tensor([2, 0, 1])).item() == pytest.approx(plain, rel=1e-6)
    spaced = minimum_entropy(log_p, torch.tensor([5, 0, 2]))
    spaced.backward()
    assert spaced.item() == pytest.approx(plain, rel=1e-6)
    assert log_p.grad is not None
    assert log_p.grad.isfinite().all()


def test_refuses_wrong_shapes_without_the_checker_of_the_tests() -> None:
    with pytest.raises(ShapeError, match="3 classes"):
        inspect.unwrap(group_log_probabilities)(torch.zeros(2, 1, 3), torch.zeros(2, dtype=torch.int64))
    with pytest.raises(ShapeError, match="batch, sets, classes"):
        inspect.unwrap(minimum_entropy)(torch.zeros(2, 3))
