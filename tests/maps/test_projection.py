"""The map: plain references, and the laws that hold for any space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ilk.errors import ShapeError, UsageError
from ilk.maps import projection
from ilk.maps.projection import choose_landmarks, fit_map, neighbor_preservation


def clusters(count: int, dim: int = 6, groups: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points around a few far middles, and the group of each."""
    draws = np.random.default_rng(seed)
    group = draws.integers(0, groups, count)
    return draws.standard_normal((groups, dim))[group] * 20 + draws.standard_normal((count, dim)), group


@pytest.fixture
def few_landmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        projection, "choose_landmarks", lambda n, labeled, seed: choose_landmarks(n, labeled, seed, 120)
    )


def plain_preservation(points: np.ndarray, positions: np.ndarray, k: int) -> float:
    shares = []
    for i in range(len(points)):
        others = [j for j in range(len(points)) if j != i]
        there = sorted(others, key=lambda j: (((points[i] - points[j]) ** 2).sum(), j))[:k]
        here = sorted(others, key=lambda j: (((positions[i] - positions[j]) ** 2).sum(), j))[:k]
        shares.append(len(set(there) & set(here)) / k)
    return float(np.mean(shares))


def test_preservation_is_that_of_plain_loops() -> None:
    points, _ = clusters(60)
    positions = points[:, :2].copy()
    assert neighbor_preservation(points, positions, k=5) == pytest.approx(plain_preservation(points, positions, 5))
    assert neighbor_preservation(points, points @ np.eye(6)) == 1.0
    assert neighbor_preservation(points[:1], positions[:1]) == 1.0


def test_groups_stay_together_and_new_points_join_theirs(few_landmarks: None) -> None:
    points, group = clusters(400)
    drawn = fit_map(points, np.arange(20), seed=0)
    assert drawn.method == "tsne"
    assert len(drawn.landmarks) == 120
    assert drawn.preserved > 0.3
    middles = np.stack([drawn.positions[group == g].mean(axis=0) for g in range(4)])

    def nearest(positions: np.ndarray) -> np.ndarray:
        return ((positions[:, None] - middles) ** 2).sum(axis=2).argmin(axis=1)

    assert (nearest(drawn.positions) == group).mean() > 0.99
    new = points + np.random.default_rng(1).standard_normal(points.shape)
    assert (nearest(drawn.place(new)) == group).mean() > 0.99


def test_the_same_points_and_seed_give_the_same_bytes_on_one_core_and_on_two(
    few_landmarks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    points, _ = clusters(700)
    maps = []
    for cores in (2, 2, 1):
        monkeypatch.setattr(projection, "_cores", lambda cores=cores: cores)
        maps.append(fit_map(points, np.arange(20), seed=3))
    assert maps[0].positions.tobytes() == maps[1].positions.tobytes() == maps[2].positions.tobytes()
    assert maps[0].preserved == maps[2].preserved
    other = fit_map(points, np.arange(20), seed=4)
    assert not np.array_equal(other.landmarks, maps[0].landmarks)


def test_a_point_is_placed_alike_in_any_company_and_moves_nothing(few_landmarks: None) -> None:
    points, _ = clusters(400)
    drawn = fit_map(points, np.arange(20), seed=0)
    before = drawn.positions.copy()
    rest = np.setdiff1d(np.arange(400), drawn.landmarks)
    assert np.array_equal(drawn.place(points[rest]), before[rest])
    assert np.array_equal(drawn.place(points[rest[5:8]]), before[rest[5:8]])
    assert np.array_equal(drawn.positions, before)
    assert drawn.place(points[:0]).shape == (0, 2)


def test_shift_and_scale_of_the_space_leave_the_neighbors() -> None:
    points, _ = clusters(80)
    for other in (points * 1e12, points * 1e-12, points.astype(np.float32) + 1000):
        assert fit_map(other, np.arange(8), seed=0).preserved > 0.6


def test_a_plane_is_shown_as_it_is_unless_asked_otherwise() -> None:
    points, _ = clusters(50, dim=2)
    drawn = fit_map(points.astype(np.float32), np.arange(8), seed=0)
    assert drawn.method == "plain"
    assert drawn.preserved == 1.0
    assert np.array_equal(drawn.positions, points.astype(np.float32))
    assert np.array_equal(drawn.place(points[:3]), points[:3])
    assert fit_map(points, np.arange(8), seed=0, method="pca").method == "pca"


def test_pca_is_the_two_directions_of_greatest_spread() -> None:
    points, _ = clusters(200)
    drawn = fit_map(points, np.arange(8), seed=0, method="pca")
    centered = points - points.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centered, full_matrices=False)
    plain = left[:, :2] * sizes[:2]
    plain *= np.sign((plain * drawn.positions).sum(axis=0))
    np.testing.assert_allclose(drawn.positions, plain, atol=1e-9)
    np.testing.assert_allclose(drawn.place(points[:5]), drawn.positions[:5], atol=1e-12)


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((1, 3)),
        np.zeros((40, 3)),
        np.arange(9.0)[:, None] * np.ones(4),
        np.arange(30.0)[:, None],
        np.repeat(np.arange(24.0).reshape(12, 2) @ np.ones((2, 5)), 30, axis=0),
        np.concatenate([np.zeros((300, 3)), np.eye(3), 2 * np.eye(3), 3 * np.eye(3), 4 * np.eye(3)]),
    ],
    ids=["one", "all equal", "nine", "a line", "copies", "one heap"],
)
def test_poor_spaces_give_a_finite_map(points: np.ndarray) -> None:
    drawn = fit_map(points, np.arange(1), seed=0)
    assert drawn.positions.shape == (len(points), 2)
    assert np.isfinite(drawn.positions).all()
    assert np.isfinite(drawn.place(points[:2])).all()
    assert 0 <= drawn.preserved <= 1
    assert drawn.caption().endswith((".", "!"))


def test_landmarks_are_the_labeled_ones_up_to_half_and_others() -> None:
    labeled = np.arange(0, 400, 10)
    chosen = choose_landmarks(1000, labeled, seed=0, most=100)
    assert len(np.unique(chosen)) == 100
    assert (np.diff(chosen) > 0).all()
    assert np.isin(labeled, chosen).all()
    many = choose_landmarks(1000, np.arange(400), seed=0, most=100)
    assert 50 <= (many < 400).sum() < 90  # the labeled ones that are left are drawn like any other
    others = choose_landmarks(1000, labeled, seed=1, most=100)
    assert not np.array_equal(others, chosen)
    assert np.array_equal(choose_landmarks(80, labeled, seed=0, most=100), np.arange(80))


def test_the_words_name_the_method_the_landmarks_and_the_faithfulness(few_landmarks: None) -> None:
    points, _ = clusters(200)
    drawn = fit_map(points, np.arange(8), seed=0)
    words = drawn.caption()
    assert "t-SNE" in words
    assert "120 images; 80 others" in words
    assert f"{drawn.preserved:.0%}" in words
    assert "mean little" in words


def test_progress_ends_at_all_points_and_never_goes_back(few_landmarks: None) -> None:
    seen: list[tuple[int, int | None]] = []
    fit_map(clusters(300)[0], np.arange(8), 0, "auto", lambda done, total: seen.append((done, total)))
    assert seen[-1] == (300, 300)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_what_cannot_be_drawn_is_refused() -> None:
    points, _ = clusters(20)
    with pytest.raises(UsageError, match="auto, tsne, pca, not 'umap'"):
        fit_map(points, np.arange(2), seed=0, method="umap")
    with pytest.raises(ShapeError, match="at least one"):
        fit_map(points[:0], np.arange(0), seed=0)
    points[7, 1] = np.nan
    with pytest.raises(ShapeError, match="row 7"):
        fit_map(points, np.arange(2), seed=0)
    with pytest.raises(ShapeError, match="6"):
        fit_map(clusters(20)[0], np.arange(2), seed=0).place(np.zeros((3, 5)))


@pytest.mark.data
def test_digits_of_one_class_lie_together(data_dir: Path) -> None:
    from ilk.data import load

    folder = data_dir / "mnist"
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    digits = load(str(folder), split="test")
    some = np.arange(0, 10_000, 10)
    points = digits.images[some].reshape(1000, -1).astype(np.float32)
    drawn = fit_map(points, np.arange(100), seed=0)
    apart = ((drawn.positions[:, None] - drawn.positions) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    truth = digits.targets[some]
    assert (truth[apart.argmin(axis=1)] == truth).mean() > 0.85
    assert drawn.preserved > 0.35
