"""Costs against a count by hand; PyTorch counts whole networks in test_description."""

from __future__ import annotations

from torch import nn

from ilk.insight.costs import multiply_adds, parameters
from ilk.insight.trace import trace


def test_costs_are_those_of_a_count_by_hand() -> None:
    shared = nn.Conv2d(4, 6, 3, padding=1, groups=2)
    network = nn.Sequential(shared, nn.ReLU(), nn.Conv2d(6, 4, 1, bias=False), shared, nn.Flatten(), nn.Linear(150, 7))
    operations = trace(network, (1, 4, 5, 5))

    assert [multiply_adds(each) for each in operations] == [6 * 25 * 2 * 9, 0, 4 * 25 * 6, 6 * 25 * 2 * 9, 0, 7 * 150]
    counted: set[int] = set()
    assert [parameters(each, counted) for each in operations] == [6 * 2 * 9 + 6, 0, 24, 0, 0, 7 * 150 + 7]
    assert [parameters(each, counted) for each in operations] == [0] * 6
