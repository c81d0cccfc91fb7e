"""The names of the labeled images come back whatever they are; a file that holds something else is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ilk.errors import ModelError
from ilk.model.checksums import Member, sha256
from ilk.model.reference_names import MEAN_BYTES_LIMIT, read_names, size_problem, to_lines


def member(tmp_path: Path, data: bytes) -> Member:
    path = tmp_path / "reference_names.jsonl"
    path.write_bytes(data)
    return Member(path, len(data), sha256(data))


ODD = ("", "a.png", "b, c.png", "猫.png", 'quote"', "back\\slash", "line\nbreak\r", "\u2028", "\x00\x1f", "\U0001f408")


@pytest.mark.parametrize("names", [ODD, (*ODD, "not UTF-8: \udcff"), ("one",), ("",)])
def test_names_come_back(tmp_path: Path, names: tuple[str, ...]) -> None:
    data = to_lines(names)
    assert data.count(b"\n") == len(names)
    assert read_names(member(tmp_path, data), len(names)) == names


def test_a_line_is_a_json_string() -> None:
    assert to_lines(['a"b', "猫"]) == '"a\\"b"\n"猫"\n'.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'"a"\n"b"\n"c"',
        b'"a"\n"b"\n',
        b'"a"\n"b"\n"c"\n"d"\n',
        b'"a"\n"b"\n3\n',
        b'"a"\n"b"\nnull\n',
        b'"a"\n["b"]\n"c"\n',
        b'"a","b"\n"c"\n"d"\n',
        b'"a"\n"b\n"c"\n',
        b'"a"\n "b"\n"c"\n',
        b'"a"\n"b"\n"\\x"\n',
        b'"a"\n"b"\n"\x01"\n',
        b'"a"\n"b"\n"\xff"\n',
        b'"a"\n\n"c"\n"d',
    ],
)
def test_other_lines_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ModelError, match=r"reference_names\.jsonl is damaged"):
        read_names(member(tmp_path, data), 3)


def test_the_size_must_go_with_the_count() -> None:
    assert size_problem(9, 3) is None
    assert size_problem(8, 3)
    assert size_problem(3 * MEAN_BYTES_LIMIT, 3) is None
    assert size_problem(3 * MEAN_BYTES_LIMIT + 1, 3)
