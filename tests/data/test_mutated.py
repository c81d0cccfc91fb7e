"""Images and label files spoiled at random: each is used or named, and none hangs or fills memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ilk.data import load
from tests.data import fuzzing
from tests.data.fuzzing import fuzz, mutated

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of memory is read from /proc")
MEGABYTES = 600  # beyond importing torch
MANY = (pytest.mark.slow, pytest.mark.timeout(7200))
EVERY = [
    ("images", 250),
    ("labels", 250),
    pytest.param("images", 100_000, marks=MANY),
    pytest.param("labels", 20_000, marks=MANY),
]


@pytest.mark.parametrize(("kind", "count"), EVERY)
def test_mutated_files_are_used_or_named(
    kind: str, count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = fuzz(kind, count, tmp_path)
    used, named = found.outcomes["used"], found.outcomes["named"]
    with capsys.disabled():
        print(
            f"\n{count:,} {kind} = {used:,} used + {named:,} named, slowest {found.slowest[0]:.2f} s "
            f"({found.slowest[1]}), peak memory {found.peak:.0f} MB"
        )
    assert found.failures == []
    assert used + named == count
    assert min(used, named) > count / 50
    assert found.peak < MEGABYTES


def test_a_folder_of_mutated_images_is_read_to_its_end(tmp_path: Path) -> None:
    for number in range(150):
        name, data = mutated("images", 1_000_000 + number)
        suffix = name.split(": ")[1].split()[0].rstrip(",")
        (tmp_path / f"{number}.{suffix}").write_bytes(data)
    dataset = load(tmp_path)
    assert dataset.found == 150 == len(dataset) + len(dataset.skipped)
    assert len(dataset) > 20
    assert all(skip.reason for skip in dataset.skipped)


def test_the_watch_names_a_crash_an_endless_loop_and_an_unnamed_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that fails in each way at one number; without this, the tests above could not fail."""
    monkeypatch.setattr(fuzzing, "PATIENCE", 4.0)
    found = fuzz("nothing", 20, tmp_path)
    assert found.outcomes == {"used": 17, "failed": 3}
    assert sorted(found.failures) == [
        "nothing 10: died (-11)",
        "nothing 13: no end",
        "nothing 15: IndexError: out of range",
    ]


def test_a_case_is_made_from_its_number_alone() -> None:
    assert mutated("images", 77) == mutated("images", 77) != mutated("images", 78)
