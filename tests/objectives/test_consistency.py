"""What is special to consistency: the threshold, where gradients flow, its door. Its laws are in test_laws.py."""

from __future__ import annotations

import inspect
import math

import pytest
import torch

from ilk.errors import ShapeError
from ilk.objectives import consistency

SURE = torch.tensor([[[0.98, 0.02]]]).log()
UNSURE = torch.tensor([[[0.6, 0.4]]]).log()


def test_asks_the_certain_for_their_class_the_others_for_their_distribution_and_averages_over_all() -> None:
    log_p = torch.cat([SURE, UNSURE])
    changed = torch.tensor([[[0.5, 0.5]], [[0.25, 0.75]]]).log()
    apart = 0.6 * math.log(0.6 / 0.25) + 0.4 * math.log(0.4 / 0.75)
    assert consistency(UNSURE, changed[1:]).item() == pytest.approx(apart)
    assert consistency(log_p, changed).item() == pytest.approx((math.log(2) + apart / 4) / 2)  # half are unsure
    assert consistency(log_p, torch.cat([changed[:1], UNSURE])).item() == pytest.approx(math.log(2) / 2)


def test_the_threshold_itself_is_certain() -> None:
    log_p, changed = torch.tensor([[[0.75, 0.25]]]).log(), torch.tensor([[[0.5, 0.5]]]).log()
    assert consistency(log_p, changed, 0.7499).item() == pytest.approx(math.log(2))
    apart = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert consistency(log_p, changed, 0.7501).item() == pytest.approx(apart)


def test_the_answer_is_that_of_the_sets_together() -> None:
    """One set alone would say class 0; both together say class 1."""
    log_p = torch.tensor([[[0.6, 0.4], [0.1, 0.9]]]).log()
    changed = torch.tensor([[[0.5, 0.5], [0.75, 0.25]]]).log()
    assert consistency(log_p, changed, 0.6).item() == pytest.approx((math.log(2) + math.log(4)) / 2)


def test_gradient_flows_to_the_changed_image_alone() -> None:
    log_p, changed = SURE.clone().requires_grad_(), UNSURE.clone().requires_grad_()
    consistency(log_p, changed).backward()
    assert log_p.grad is None
    assert changed.grad is not None
    assert changed.grad.flatten().tolist() == [-1, 0]


def test_refuses_wrong_shapes_without_the_checker_of_the_tests() -> None:
    bare = inspect.unwrap(consistency)
    with pytest.raises(ShapeError, match="same shape"):
        bare(torch.zeros(2, 1, 3), torch.zeros(2, 2, 3))
    with pytest.raises(ShapeError, match="batch, sets, classes"):
        bare(torch.zeros(2, 3), torch.zeros(2, 3))
