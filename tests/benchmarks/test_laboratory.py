"""The parts of the laboratory: splits that keep apart, and figures that are what they say."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ilk.data import Dataset, from_arrays
from ilk.errors import UsageError
from ilk.methods import NeighborSettings, SoftmaxSettings
from ilk.training import Settings

FOLDER = str(Path(__file__).resolve().parents[2] / "benchmarks")


@pytest.fixture(autouse=True)
def _laboratory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(FOLDER)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "laboratory"]:
        del sys.modules[name]


def labeled(per_class: int = 8) -> Dataset:
    """Three classes of images that are all different, and five images without a label."""
    names = [*"abc" * per_class, *[None] * 5]
    images = np.arange(len(names), dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2)
    return from_arrays(images, names, size=8)


def test_splitting_off_takes_a_quarter_of_each_class_once_and_no_unlabeled_image() -> None:
    from laboratory.images import split_off

    whole = labeled()
    seen, asked = split_off(whole)
    assert asked.counts() == dict.fromkeys("abc", 2)
    assert seen.counts() == dict.fromkeys("abc", 6)
    assert len(seen) == len(whole) - 6
    assert {*seen.names, *asked.names} == {*whole.names}
    assert split_off(whole)[1].names == asked.names
    for part in (seen, asked):
        rows = [int(name[1:]) for name in part.names]
        assert part.images[:, 0, 0, 0].tolist() == rows


def test_classes_are_matched_by_name_and_unknown_ones_lose_their_label() -> None:
    from laboratory.images import with_classes_of

    seen = labeled()
    other = replace(seen, classes=("c", "x", "a"), targets=np.arange(len(seen)) % 4 - 1)
    matched = with_classes_of(other, seen)
    expected = {-1: -1, 0: 2, 1: -1, 2: 0}
    assert matched.targets.tolist() == [expected[target] for target in other.targets.tolist()]
    assert matched.classes == seen.classes


def test_the_table_says_means_deviations_and_failures() -> None:
    from laboratory.rows import mean_and_sd, table

    assert mean_and_sd([1.0, 3.0, 5.0]) == "3.00 ± 2.00"
    assert mean_and_sd([1.0]) == "1.00"
    row = {"contestant": "x", "seed": 0, "n": 200, "k": 3, "seconds": 10.0, "images": 1000}
    rows = {
        "1": {**row, "subset": 0, "errors": 2, "best_errors": 1},
        "2": {**row, "subset": 1, "errors": 6, "best_errors": 4, "seconds": 20.0},
        "3": {"contestant": "x", "subset": 2, "note": "has diverged"},
        "4": {"contestant": "unasked", "subset": 2, "note": "has diverged"},
    }
    lines = table(rows, ["x"]).splitlines()
    assert lines[2] == "| x | 2 | 2.00 ± 1.41 | 1.00, 3.00 | 0.75 ± 0.35 | 3, 3 | 15 s | 1,000 |"
    assert lines[3:] == ["- x, subset 2: has diverged"]


def test_rows_come_back_for_the_same_budget_only(tmp_path: Path) -> None:
    from laboratory.rows import rows_of, save

    path = tmp_path / "new" / "a.json"
    assert rows_of(path, {"epochs": 2.0}) == {}
    save(path, {"epochs": 2.0}, {"x": {"errors": 3}})
    assert rows_of(path, {"epochs": 2.0}) == {"x": {"errors": 3}}
    with pytest.raises(SystemExit, match="give another --out"):
        rows_of(path, {"epochs": 3.0})
    for damaged in ('{"budget": ', "[]", '{"rows": {}}'):
        path.write_text(damaged)
        with pytest.raises(SystemExit, match="holds no rows"):
            rows_of(path, {"epochs": 2.0})


def test_a_contestant_may_change_settings_and_a_wrong_name_is_refused() -> None:
    from laboratory.contestants import Budget, images_per_step, recipe_of, require_contestant

    budget = Budget(2.0, None, "none", "neighbor-mnist", "cpu", 0)
    found = recipe_of("default,temperature=4.0,pool_of=unlabeled,exclude_own=False,momentum=0.5", budget, seed=5)
    assert found.settings == Settings(epochs=2.0, augment="none", seed=5, momentum=0.5)
    assert found.method == NeighborSettings(temperature=4.0, pool_of="unlabeled", exclude_own=False)
    assert found.network == "neighbor-mnist"
    assert recipe_of("mnist-100+pool-first,sets=2", budget, seed=0).network == "neighbor-mnist-released"
    for name in ("default,sets=2", "cross-entropy", "cifar10-4000", "mnist-100+released"):
        require_contestant(name, budget)
    for name, why in {
        "best": "no recipe 'best'",
        "cifar10-4000+x": "no reading 'x'",
        "default+euclidean": "the default has none",
        "default,temprature=4": "no setting 'temprature'. Did you mean 'temperature'",
        "default,epochs=3": "epochs is the same for all",
        "default,sets=-1": "sets must be at least 1",
        "cross-entropy,temperature=4": "no setting 'temperature'",
        "label-spreading,temperature=4": "no settings to change",
    }.items():
        with pytest.raises(UsageError, match=why):
            require_contestant(name, budget)
    assert images_per_step(NeighborSettings(sets=2, queries=8, pool=16), 10) == 2 * 10 + 8 + 16
    assert images_per_step(NeighborSettings(sets=2, queries=8, pool=16), 100) == 2 * 64 + 8 + 16
    assert images_per_step(SoftmaxSettings(batch=7), 100) == 7


@pytest.mark.parametrize("floor", ["cross-entropy", "label-spreading", "self-training"])
def test_the_floors_learn_what_is_easy(floor: str) -> None:
    from laboratory.contestants import Budget, run
    from laboratory.images import split_off

    from tests.training.tiny_run import pictures

    images, _, truth = pictures()
    seen, asked = split_off(from_arrays(images[:, 0].numpy(), truth.tolist(), size=8))
    few = seen.with_targets(np.where(np.arange(len(seen)) % 2 == 0, seen.targets, -1))
    budget = Budget(40.0, None, "none", "neighbor-mnist", "cpu", 0)
    row = run(floor, few, asked, budget, 0)
    assert row["n"] == 15
    assert row["errors"] <= 3  # 10 by chance


def test_published_figures_stand_beside_the_same_data_only() -> None:
    from laboratory.figure import published

    assert published("../data/mnist", 10)[0] == ("Hoffer & Ailon 2016", 0.78, 0.3)
    assert published("cifar10.npz", 400)[0][1:] == (20.3, 0.5)
    assert published("../data/mnist", 5) == published("fashion-mnist", 10) == []


def test_a_damaged_part_of_a_pack_is_named(tmp_path: Path) -> None:
    from laboratory.images import unpack

    path = tmp_path / "p.npz"
    np.savez_compressed(path, part=np.array([0, 1]), images=np.zeros((9, 9, 9)))
    with pytest.raises(UsageError, match=r"p\.npz is no part of a pack"):
        unpack([path])
    whole = path.read_bytes()
    for damaged in (b"", b"text", whole[:200], whole[:60] + bytes(40) + whole[100:]):
        path.write_bytes(damaged)
        with pytest.raises(UsageError, match=r"p\.npz (cannot be read|is no part)"):
            unpack([path])


def test_a_course_keeps_a_few_even_records_and_comes_back() -> None:
    from laboratory.stages import Course
    from torch import nn

    course, network = Course(most=3), nn.Linear(1, 1, bias=False)
    for number in range(20):
        nn.init.constant_(network.weight, number)
        course.add(network)
    assert [one["weight"].item() for one in course.kept] == [0, 4, 8, 12, 16]
    again = Course(most=3)
    again.restore(course.tensors() | {"network.weight": network.weight}, course.stride, course.records)
    for one in (course, again):
        one.add(network)
    assert [one["weight"].item() for one in again.kept] == [0, 4, 8, 12, 16, 19]
    assert Course(most=0).tensors() == {}
