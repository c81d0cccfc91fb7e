from __future__ import annotations

import sys

import faiss
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ilk.errors import ShapeError, UsageError
from ilk.neighbors import NeighborIndex


@pytest.fixture(autouse=True)
def matrix_products(monkeypatch):
    """FAISS multiplies matrices only for many queries; here always, since that is where it rounds."""
    monkeypatch.setattr(faiss.cvar, "distance_compute_blas_threshold", 1)


def brute_force(points, queries, k, exclude=None):
    """For every query: all distances one by one in float64, sorted by (distance, position)."""
    distances, positions = [], []
    for i, query in enumerate(queries.astype(np.float64)):
        found = [
            (float(((query - point) ** 2).sum()) ** 0.5, j)
            for j, point in enumerate(points.astype(np.float64))
            if exclude is None or j != exclude[i]
        ]
        found.sort()
        distances.append([d for d, _ in found[:k]])
        positions.append([j for _, j in found[:k]])
    return np.array(distances), np.array(positions)


def random_points(n, dim, seed, offset=0.0, dtype=np.float32):
    return (np.random.default_rng(seed).standard_normal((n, dim)) + offset).astype(dtype)


@pytest.mark.parametrize("offset", [0.0, 1000.0, -1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("dim", [1, 7, 128])
def test_agrees_with_brute_force_wherever_the_points_lie(offset, dtype, dim):
    points, queries = random_points(200, dim, 0, offset, dtype), random_points(30, dim, 1, offset, dtype)
    distances, positions = NeighborIndex(points).search(queries, 5)
    expected, where = brute_force(points, queries, 5)
    np.testing.assert_allclose(distances, expected, rtol=1e-12)
    np.testing.assert_array_equal(positions, where)


@pytest.mark.parametrize("leave_out", [False, True])
@pytest.mark.parametrize("scatter", [0.01, 0.3, 1.0, 3.0])
def test_finds_neighbors_that_float32_cannot_tell_apart(scatter, leave_out):
    # Two far clusters, so that centering cannot help: ‖a‖² − 2ab + ‖b‖² loses all digits or the last few.
    side = np.repeat([-1000.0, 1000.0], 400)[:, None]
    points = (side + random_points(800, 16, 2) * scatter).astype(np.float32)
    queries = points[::20] + np.float32(scatter / 10)
    exclude = np.arange(0, 800, 20) if leave_out else None
    distances, positions = NeighborIndex(points).search(queries, 3, exclude=exclude)
    expected, where = brute_force(points, queries, 3, exclude)
    np.testing.assert_allclose(distances, expected, rtol=1e-12)
    np.testing.assert_array_equal(positions, where)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 40), st.integers(1, 8), st.integers(1, 3), st.integers(1, 50), st.booleans(), st.integers(0, 10**6)
)
def test_ties_go_to_the_lower_position(n, queries, dim, k, leave_out, seed):
    # Few different whole numbers: many points coincide or are equally far.
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 3, (n, dim)).astype(np.float32)
    asked = rng.integers(0, 3, (queries, dim)).astype(np.float32)
    exclude = rng.integers(0, n, queries) if leave_out else None
    distances, positions = NeighborIndex(points).search(asked, k, exclude=exclude)
    expected, where = brute_force(points, asked, k, exclude)
    np.testing.assert_array_equal(positions, where.reshape(queries, -1))
    np.testing.assert_array_equal(distances, expected.reshape(queries, -1))


def test_ties_among_many_copies():
    points = np.repeat(random_points(3, 5, 3), 100, axis=0)
    distances, positions = NeighborIndex(points).search(points[[0, 150, 299]], 4)
    assert positions.tolist() == [[0, 1, 2, 3], [100, 101, 102, 103], [200, 201, 202, 203]]
    assert not distances.any()


def test_k_is_at_most_the_number_of_points():
    index = NeighborIndex(random_points(4, 3, 0))
    queries = random_points(2, 3, 1)
    assert index.search(queries, 9)[0].shape == (2, 4)
    assert index.search(queries, 9, exclude=np.array([0, 3]))[1].shape == (2, 3)


def test_one_point():
    index = NeighborIndex(np.array([[3.0, 4.0]]))
    distances, positions = index.search(np.zeros((2, 2)), 1)
    assert distances.tolist() == [[5.0], [5.0]]
    assert positions.tolist() == [[0], [0]]
    assert index.search(np.zeros((2, 2)), 1, exclude=np.array([0, 0]))[1].shape == (2, 0)


def test_no_query_is_no_answer():
    assert NeighborIndex(random_points(4, 3, 0)).search(np.zeros((0, 3)), 2)[0].shape == (0, 2)


@pytest.mark.parametrize("n", [50, 400])
def test_leaving_out_oneself_finds_the_nearest_other(n):
    points = random_points(n, 4, 5)
    _, positions = NeighborIndex(points).search(points, 2, exclude=np.arange(n))
    np.testing.assert_array_equal(positions, brute_force(points, points, 2, np.arange(n))[1])


def test_huge_numbers_do_not_overflow():
    points = np.array([[3e38, 0.0], [-3e38, 0.0], [1.0, 1.0], *[[9.0, float(i)] for i in range(30)]], dtype=np.float32)
    _, positions = NeighborIndex(points).search(np.array([[2.9e38, 0.0], [0.0, 0.0]], dtype=np.float32), 1)
    assert positions.tolist() == [[0], [2]]


def test_later_changes_to_the_array_do_not_reach_the_index():
    points = random_points(5, 2, 0)
    index = NeighborIndex(points)
    first = points[:1].copy()
    points[:] = 7
    assert index.search(first, 1)[0].tolist() == [[0.0]]


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((0, 3)),
        np.zeros((3, 0)),
        np.zeros(3),
        np.zeros((2, 2), dtype=int),
        np.array([[np.nan]]),
        np.array([[np.inf]]),
    ],
)
def test_refuses_points_that_are_none(points):
    with pytest.raises(ShapeError):
        NeighborIndex(points)


@pytest.mark.parametrize("queries", [np.zeros((2, 4)), np.zeros(3), np.full((1, 3), np.nan)])
def test_refuses_queries_of_another_shape(queries):
    with pytest.raises(ShapeError):
        NeighborIndex(random_points(5, 3, 0)).search(queries, 1)


def test_refuses_what_cannot_be_meant():
    index = NeighborIndex(random_points(5, 3, 0))
    with pytest.raises(UsageError, match="k must be"):
        index.search(np.zeros((2, 3)), 0)
    for exclude in (np.array([0]), np.array([0, 5]), np.array([-1, 0]), np.array([0.0, 1.0])):
        with pytest.raises(ShapeError, match="exclude"):
            index.search(np.zeros((2, 3)), 1, exclude=exclude)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 9), (300, 4)])
def test_without_faiss_the_answer_is_the_same(monkeypatch, offset, n, k):
    points, queries = random_points(n, 16, 0, offset), random_points(20, 16, 1, offset)
    queries[:n] = points[:20]
    exclude = np.arange(20) % n if n > 1 else None
    with_faiss = NeighborIndex(points).search(queries, k, exclude)
    monkeypatch.setitem(sys.modules, "faiss", None)
    without = NeighborIndex(points)
    assert without._engine is None
    for mine, other in zip(without.search(queries, k, exclude), with_faiss, strict=True):
        np.testing.assert_array_equal(mine, other)
