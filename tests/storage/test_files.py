from __future__ import annotations

import csv
import errno
import os

import numpy as np
import pytest

from ilk.errors import ModelError, ResourceError, UsageError
from ilk.storage import files
from ilk.storage.files import read_json, too_many_values, write_bytes, write_csv, write_json, write_text


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, ResourceError), (errno.EACCES, UsageError)])
def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path, monkeypatch, call, number, error):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, call, fail)
    with pytest.raises(error, match=r"a\.txt"):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_while_rows_are_made_leaves_the_old_content(tmp_path):
    path = tmp_path / "a.csv"
    write_csv(path, ["x"], [[1]])

    def rows():
        yield [2]
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        write_csv(path, ["x"], rows())
    assert path.read_text() == "x\n1\n"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_out_of_space_names_the_size(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(ResourceError, match=r"1,234 bytes.*No space left"):
        write_bytes(tmp_path / "a", b"x" * 1234)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="could not be written"):
        write_bytes(tmp_path / "none" / "a", b"")


def test_new_files_have_the_usual_permissions(tmp_path):
    write_bytes(tmp_path / "ours", b"")
    (tmp_path / "usual").touch()
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_csv_reads_back_as_it_was_whatever_is_in_it(tmp_path):
    rows = [["=1+1", "a,b"], ['say "hi"', "line\nfeed"], ["lone\rreturn", "-1"], ["é猫", ""], ["@x", "+y"]]
    write_csv(tmp_path / "a.csv", ["one", "two"], rows)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [["one", "two"], *rows]


def test_csv_ends_lines_in_lf_and_quotes_only_where_needed(tmp_path):
    write_csv(tmp_path / "a.csv", ["x", "y"], [["=a", 1.5], ["b,c", None]])
    assert (tmp_path / "a.csv").read_bytes() == b'x,y\n=a,1.5\n"b,c",\n'


def test_a_name_that_is_not_utf8_keeps_its_bytes(tmp_path):
    name = os.fsdecode(b"\xff.jpg")
    write_csv(tmp_path / "a.csv", ["x"], [[name]])
    assert (tmp_path / "a.csv").read_bytes() == b"x\n\xff.jpg\n"
    write_json(tmp_path / "a.json", {"name": name})
    assert read_json(tmp_path / "a.json") == {"name": name}


def test_json_reads_back_as_it_was(tmp_path):
    value = {"int": 2**60, "float": 0.1 + 0.2, "text": "é猫", "list": [None, True, {}]}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value


def test_json_takes_numpy_numbers_and_paths(tmp_path):
    write_json(tmp_path / "a.json", {"n": np.int64(3), "x": np.array([1.5]), "p": tmp_path})
    assert read_json(tmp_path / "a.json") == {"n": 3, "x": [1.5], "p": str(tmp_path)}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_refuses_to_write_what_json_does_not_have(tmp_path, value):
    with pytest.raises(UsageError):
        write_json(tmp_path / "a.json", {"x": value})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "text", ["", "[1]", '{"a": 1, "a": 2}', '{"a": NaN}', '{"a": 1', '{"a": -Infinity}', "[" * 10**5, "\udcff"]
)
def test_refuses_json_that_is_damaged(tmp_path, text):
    (tmp_path / "a.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match=r"a\.json"):
        read_json(tmp_path / "a.json")


def test_refuses_json_that_is_missing_or_too_long(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        read_json(tmp_path / "a.json")
    write_json(tmp_path / "a.json", {"x": "y" * 100})
    with pytest.raises(ModelError, match="larger than"):
        read_json(tmp_path / "a.json", limit=50)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"[" + b"1," * 999_998 + b"1]", False),
        (b"[" + b"1," * 1_000_001 + b"1]", True),
        (b'["' + b"," * 2_000_000 + b'"]', False),
        (b'["' + b'\\",{[' * 2_000_000 + b'"]', False),
        (b'{"a":' + b"[]," * 1_100_000 + b"}", True),
        (b"," * 2_000_000 + b'"' + b'\\"' * 2_000_000, False),
        (b"," * 2_000_000, False),
        (b'"" ,' * 1_100_000, True),
    ],
)
def test_values_are_counted_and_not_the_commas_in_texts(data: bytes, expected: bool) -> None:
    assert too_many_values(data) == expected
