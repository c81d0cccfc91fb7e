"""What is special to the labeled objective: its mask, its other targets, its door. Its laws are in test_laws.py."""

from __future__ import annotations

import inspect
import math

import pytest
import torch

from ilk.errors import ShapeError, UsageError
from ilk.objectives import distance_ratio, similar_classes


def log_p_of(seed: int, batch: int = 4, sets: int = 2, classes: int = 3) -> torch.Tensor:
    return torch.randn(batch, sets, classes, generator=torch.Generator().manual_seed(seed)).log_softmax(2)


def test_hand_worked_case() -> None:
    log_p = torch.tensor([[[0.5, 0.5]], [[0.25, 0.75]]]).log()
    assert distance_ratio(log_p, torch.tensor([0, 1])).item() == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)


def test_a_pair_that_does_not_count_changes_neither_value_nor_gradient() -> None:
    log_p = log_p_of(0).requires_grad_()
    valid_pairs = torch.ones(4, 2, dtype=torch.bool)
    valid_pairs[1, 0] = False
    labels = torch.tensor([0, 1, 2, 0])
    loss = distance_ratio(log_p, labels, valid_pairs)
    loss.backward()
    assert log_p.grad is not None
    assert (log_p.grad[1, 0] == 0).all()
    other = log_p.detach().clone()
    other[1, 0] = torch.tensor([-9.0, -9.0, -9.0])
    assert distance_ratio(other, labels, valid_pairs).item() == loss.item()
    picked = [-log_p[i, k, labels[i]].item() for i in range(4) for k in range(2) if valid_pairs[i, k]]
    assert loss.item() == pytest.approx(sum(picked) / 7)


def test_0_when_nothing_counts() -> None:
    log_p = log_p_of(1).requires_grad_()
    loss = distance_ratio(log_p, torch.zeros(4, dtype=torch.int64), torch.zeros(4, 2, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert log_p.grad is not None
    assert (log_p.grad == 0).all()


def test_one_hot_targets_equal_class_numbers() -> None:
    labels = torch.tensor([2, 0, 1, 1])
    hot = torch.nn.functional.one_hot(labels, 3).float()
    assert distance_ratio(log_p_of(2), hot).item() == pytest.approx(distance_ratio(log_p_of(2), labels).item())


def test_a_target_of_0_on_a_class_of_probability_0_costs_nothing() -> None:
    log_p = torch.tensor([[[0.0, -math.inf]]])
    assert distance_ratio(log_p, torch.tensor([[1.0, 0.0]])).item() == 0


def test_other_targets_are_least_where_p_equals_them() -> None:
    targets = similar_classes(torch.tensor([[0.0, 1.0, 4.0], [1.0, 0.0, 4.0], [4.0, 4.0, 0.0]]))
    best = distance_ratio(targets.log()[:, None], targets).item()
    entropy = -(targets * targets.log()).sum(1).mean().item()
    assert best == pytest.approx(entropy, rel=1e-6)
    assert all(distance_ratio(log_p_of(seed, 3, 1, 3), targets).item() > best for seed in range(20))


def test_similar_classes_are_distributions_that_favor_their_own_class() -> None:
    apart = torch.tensor([[0.0, 1.0, 5.0], [1.0, 0.0, 5.0], [5.0, 5.0, 0.0]])
    targets = similar_classes(apart)
    torch.testing.assert_close(targets.sum(1), torch.ones(3))
    assert targets.argmax(1).tolist() == [0, 1, 2]
    assert targets[0, 1] > targets[0, 2]
    assert (targets[0, 0] / targets[0, 1]).log().item() == pytest.approx(1.0)
    torch.testing.assert_close(similar_classes(apart, temperature=0.01), torch.eye(3))


def test_similar_classes_refuses_what_it_cannot_mean() -> None:
    with pytest.raises(ShapeError, match="square"):
        similar_classes(torch.zeros(2, 3))
    with pytest.raises(UsageError, match="above 0"):
        similar_classes(torch.zeros(2, 2), temperature=0.0)


@pytest.mark.parametrize(
    ("targets", "valid_pairs"),
    [
        (torch.zeros(3, dtype=torch.int64), None),  # another batch
        (torch.zeros(4), None),  # numbers with a fraction are no classes
        (torch.zeros(4, 2), None),  # another number of classes
        (torch.zeros(4, 3, dtype=torch.int64), None),  # whole numbers are no distribution
        (torch.zeros(4, dtype=torch.int64), torch.ones(2, dtype=torch.bool)),  # would broadcast over the sets
        (torch.zeros(4, dtype=torch.int64), torch.ones(4, 1, dtype=torch.bool)),
    ],
)
def test_refuses_what_would_broadcast(targets: torch.Tensor, valid_pairs: torch.Tensor | None) -> None:
    with pytest.raises(ShapeError, match="needs"):
        inspect.unwrap(distance_ratio)(log_p_of(3), targets, valid_pairs)


def test_refuses_log_p_without_sets() -> None:
    with pytest.raises(ShapeError, match="batch, sets, classes"):
        inspect.unwrap(distance_ratio)(torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64))
