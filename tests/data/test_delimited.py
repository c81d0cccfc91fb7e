"""A table of text: any encoding and separator of spreadsheets, and a sentence for what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ilk.data.delimited import SEPARATORS, read_lines
from ilk.errors import LabelsFileError


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("separator", SEPARATORS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_come_with_the_line_that_they_begin_in(tmp_path: Path, encoding: str, separator: str, end: str) -> None:
    path = tmp_path / "labels.csv"
    lines = [f"filename{separator}label", "", f'a.png{separator}"two', 'lines"', f"b.png{separator}caf\u00e9"]
    path.write_bytes(end.join(lines).encode(encoding))
    rows = list(read_lines(path).rows(separator))
    assert rows == [(1, ["filename", "label"]), (3, ["a.png", f"two{end}lines"]), (5, ["b.png", "caf\u00e9"])]


def test_the_line_that_excel_writes_for_itself_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("sep=;\na;b\n")
    assert list(read_lines(tmp_path / "labels.csv").rows(";")) == [(2, ["a", "b"])]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n", "is empty"),
        (b"PK\x03\x04", "an Excel or zip file"),
        (b"a,b\nc,\0\n", r"labels\.csv:2 holds a zero byte"),
        (b"a,b\nc,caf\xe9\n", r"labels\.csv:2 is not UTF-8 text \(byte 0xE9\).*'c,caf\xe9'"),
        (b"\xff\xfea\0,", "damaged"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(LabelsFileError, match=words):
        read_lines(tmp_path / "labels.csv")


def test_places_that_hold_no_table(tmp_path: Path) -> None:
    with pytest.raises(LabelsFileError, match="`labels`"):
        read_lines(tmp_path)
    (tmp_path / "labels.csv").write_text("a,b\n")
    with pytest.raises(LabelsFileError, match=r"Did you mean .*labels\.csv"):
        read_lines(tmp_path / "lables.csv")
    (tmp_path / "open.csv").write_text('a,b\n"c,d\n')
    with pytest.raises(LabelsFileError, match=r"open\.csv:2 cannot be read"):
        list(read_lines(tmp_path / "open.csv").rows(","))
