"""Eq. 1 against the plain loop, at its landmarks, and at its door."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
import torch

from ilk.distances import DISTANCES, Distance
from ilk.errors import ShapeError, UsageError
from ilk.objectives import log_probabilities
from tests.reference import neighbor_embedding as paper


@pytest.mark.parametrize("kind", DISTANCES)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_equals_the_plain_loop_for_every_set(kind: Distance, temperature: float) -> None:
    draw = torch.Generator().manual_seed(0)
    points = torch.randn(4, 3, generator=draw, dtype=torch.float64)
    references = torch.randn(2, 5, 3, generator=draw, dtype=torch.float64)
    fast = log_probabilities(points, references, distance=kind, temperature=temperature)
    plain = [[paper.probabilities(x, z, kind, temperature) for z in references.tolist()] for x in points.tolist()]
    np.testing.assert_allclose(fast.exp().numpy(), plain, rtol=1e-10)


def test_sums_to_1_in_each_set_and_never_exceeds_it() -> None:
    draw = torch.Generator().manual_seed(1)
    log_p = log_probabilities(torch.randn(6, 2, generator=draw), torch.randn(3, 7, 2, generator=draw))
    assert log_p.shape == (6, 3, 7)
    assert (log_p <= 0).all()
    torch.testing.assert_close(log_p.exp().sum(2), torch.ones(6, 3))


def test_stays_a_number_where_the_softmax_itself_is_0() -> None:
    log_p = log_probabilities(torch.tensor([[0.0]]), torch.tensor([[[0.0], [30.0]]]))
    assert log_p.flatten().tolist() == [0, pytest.approx(-900)]


def test_temperature_divides_the_distance() -> None:
    log_p = log_probabilities(torch.tensor([[0.0]]), torch.tensor([[[0.0], [2.0]]]), temperature=4.0)
    assert (log_p[0, 0, 0] - log_p[0, 0, 1]).item() == pytest.approx(1.0)


def test_minus_log_c_where_all_points_coincide() -> None:
    log_p = log_probabilities(torch.full((2, 3), 7.0), torch.full((1, 5, 3), 7.0))
    torch.testing.assert_close(log_p, torch.full((2, 1, 5), -math.log(5)))


@pytest.mark.parametrize(
    ("points", "references"), [((4, 3), (5, 3)), ((4, 3), (1, 5, 2)), ((3,), (1, 5, 3)), ((4, 3), (1, 1, 5, 3))]
)
def test_refuses_wrong_shapes_without_the_checker_of_the_tests(
    points: tuple[int, ...], references: tuple[int, ...]
) -> None:
    with pytest.raises(ShapeError, match=r"sets, classes, dim"):
        inspect.unwrap(log_probabilities)(torch.zeros(points), torch.zeros(references))


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_refuses_a_temperature_that_is_not_above_0(temperature: float) -> None:
    with pytest.raises(UsageError, match="temperature"):
        log_probabilities(torch.zeros(1, 2), torch.zeros(1, 2, 2), temperature=temperature)
