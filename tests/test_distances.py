"""Distances as laws of a metric, and against plain loops in float64."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ilk.distances import DISTANCES, Distance, pairwise
from ilk.errors import ShapeError, UsageError
from tests.reference.neighbor_embedding import distance

numbers = st.floats(-100, 100, allow_nan=False)


@st.composite
def three_points(draw: st.DrawFn) -> torch.Tensor:
    dim = draw(st.integers(1, 5))
    return torch.tensor(draw(st.lists(st.lists(numbers, min_size=dim, max_size=dim), min_size=3, max_size=3))).double()


@pytest.mark.parametrize("kind", DISTANCES)
@given(points=three_points())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_symmetric_never_negative_and_0_to_itself(kind: Distance, points: torch.Tensor) -> None:
    d = pairwise(points, points, kind)
    assert torch.equal(d, d.T)
    assert (d >= 0).all()
    assert (d.diagonal() == 0).all()


@given(points=three_points())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_euclidean_distance_keeps_the_triangle_inequality(points: torch.Tensor) -> None:
    d = pairwise(points, points, "euclidean")
    assert d[0, 2] <= (d[0, 1] + d[1, 2]) * (1 + 1e-12)


def test_squared_distance_breaks_the_triangle_inequality_as_squares_do() -> None:
    d = pairwise(torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[0.0], [1.0], [2.0]]), "squared")
    assert d.tolist() == [[0, 1, 4], [1, 0, 1], [4, 1, 0]]


@pytest.mark.parametrize("kind", DISTANCES)
@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("rows", [3, 40])  # above 25 rows torch would multiply matrices by default
def test_equals_the_plain_loop_also_far_from_the_origin(kind: Distance, offset: float, rows: int) -> None:
    draw = torch.Generator().manual_seed(1)
    a = torch.randn(rows, 6, generator=draw) + offset
    b = torch.randn(35, 6, generator=draw) + offset
    expected = np.array([[distance(x, y, kind) for y in b.tolist()] for x in a.tolist()])
    np.testing.assert_allclose(pairwise(a, b, kind).numpy(), expected, rtol=2e-6)


@pytest.mark.parametrize("kind", DISTANCES)
def test_gradients_against_finite_differences(kind: Distance) -> None:
    draw = torch.Generator().manual_seed(2)
    a = torch.randn(3, 4, generator=draw, dtype=torch.float64, requires_grad=True)
    b = torch.randn(2, 4, generator=draw, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, y: pairwise(x, y, kind), (a, b))


@pytest.mark.parametrize("kind", DISTANCES)
def test_gradient_is_0_where_points_coincide(kind: Distance) -> None:
    point = torch.tensor([[1.0, 2.0]], requires_grad=True)
    same = torch.tensor([[1.0, 2.0]], requires_grad=True)
    pairwise(point, same, kind).sum().backward()
    assert point.grad is not None
    assert same.grad is not None
    assert point.grad.tolist() == [[0, 0]]
    assert same.grad.tolist() == [[0, 0]]


def test_scale_of_the_two_kinds() -> None:
    a, b = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    assert pairwise(a, b, "euclidean").item() == 5
    assert math.isclose(pairwise(a, b).item(), 25, rel_tol=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [((3,), (3, 3)), ((2, 3), (3,)), ((2, 3), (2, 4)), ((1, 2, 3), (2, 3))])
def test_refuses_wrong_shapes_without_the_checker_of_the_tests(rows: tuple[int, ...], columns: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="needs"):
        inspect.unwrap(pairwise)(torch.zeros(rows), torch.zeros(columns))


def test_refuses_an_unknown_kind() -> None:
    with pytest.raises(UsageError, match=r"cosine.*'squared' or 'euclidean'"):
        inspect.unwrap(pairwise)(torch.zeros(1, 2), torch.zeros(1, 2), "cosine")
