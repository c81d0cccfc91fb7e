"""Splits are known by the words in names, and a requested split is found or refused."""

from __future__ import annotations

import pytest

from ilk.data.source_parts import Part, Rows, Source, choose_parts, group_by_split, split_of_file, split_word
from ilk.errors import DataError, UsageError


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train-images-idx3-ubyte", "train"),
        ("t10k-images-idx3-ubyte.gz", "test"),
        ("data/validation-00000-of-00001.parquet", "val"),
        ("test/part.parquet", "test"),
        ("train/test.parquet", "test"),
        ("train-test.parquet", None),
        ("trainees.parquet", None),
        ("images.parquet", None),
    ],
)
def test_the_split_of_a_file(name: str, split: str | None) -> None:
    assert split_of_file(name) == split


def test_a_word_stands_for_a_split_in_any_letter_case() -> None:
    assert [split_word(word) for word in ("Training", "VALID", "test", "tests")] == ["train", "val", "test", None]


def test_files_are_grouped_in_the_order_of_the_splits() -> None:
    groups, lone = group_by_split(["test.parquet", "train-1.parquet", "train-2.parquet"], "pets")
    assert groups == [("train", ["train-1.parquet", "train-2.parquet"]), ("test", ["test.parquet"])]
    assert lone is None
    assert group_by_split(["test.parquet"], "pets") == ([(None, ["test.parquet"])], "test")
    with pytest.raises(DataError, match=r"a\.parquet, b\.parquet.*`files`"):
        group_by_split(["a.parquet", "train.parquet", "b.parquet"], "pets")


def parts(*splits: str | None) -> Source:
    return Source(tuple(Part(split, 5, lambda: Rows([], [], [])) for split in splits))


def test_the_requested_split_is_chosen_and_the_others_are_noted() -> None:
    chosen, notes = choose_parts(parts("train", "test"), "test", "pets")
    assert [part.split for part in chosen] == ["test"]
    assert notes == ("5 train images set aside.",)
    for split in ("all", None):
        assert len(choose_parts(parts("train", "test"), split, "pets")[0]) == 2
    assert len(choose_parts(parts(None), "train", "pets")[0]) == 1


@pytest.mark.parametrize(
    ("found", "split", "error"),
    [(parts("train"), "val", DataError), (parts(None), "test", DataError), (parts("train"), "tests", UsageError)],
)
def test_a_split_that_is_not_there_is_refused(found: Source, split: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        choose_parts(found, split, "pets")
