"""A table of text as spreadsheets save it, whatever its encoding, separator and line ends, as rows of cells."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ilk.errors import LabelsFileError

SEPARATORS = (",", ";", "\t", "|")
LARGEST_TABLE = 2**30
SAVE_AS = 'In a spreadsheet: "Save as", then "CSV UTF-8".'

_LINE_END = re.compile(rb"\r\n|\r|\n")
_OTHER_KINDS = (
    (b"PK\x03\x04", "an Excel or zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"%PDF", "a PDF file"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
)
# The four-byte mark of UTF-32 begins like the one of UTF-16, so it comes first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Lines:
    """The text of a table, to be split by any of `SEPARATORS`; `first` is the number of its first line."""

    path: Path
    text: str
    first: int

    def rows(self, separator: str) -> Iterator[tuple[int, list[str]]]:
        """Every row that is not blank, with the number of the line that it begins in.

        Raises:
            LabelsFileError: a quoted cell does not end.
        """
        begin = self.first
        csv.field_size_limit(max(csv.field_size_limit(), len(self.text)))  # a long note in another column does no harm
        reader = csv.reader(
            io.StringIO(self.text, newline=""), delimiter=separator, strict=True, skipinitialspace=separator != "\t"
        )
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield begin, cells
                begin = self.first + reader.line_num
        except csv.Error as error:
            raise LabelsFileError(
                f"{self.path}:{begin} cannot be read as a table: {error}. Is a quotation mark left open there? "
                'Within quotes, a quotation mark is written twice: "".'
            ) from error


def read_lines(path: Path) -> Lines:
    """Read a table's text: UTF-8 or UTF-16, with or without a byte order mark.

    Raises:
        LabelsFileError: it is no file, cannot be read, is empty, or is no such text.
    """
    content = _content(path)
    kind = next((words for magic, words in _OTHER_KINDS if content.startswith(magic)), None)
    if kind:
        raise LabelsFileError(f"{path} is {kind}, whatever its name says. Save it as a CSV file. {SAVE_AS}")
    text = _decoded(content, path)
    if not text.strip():
        raise LabelsFileError(f"{path} is empty. It needs a first line like: filename,label")
    hint = re.match(r"sep=.(\r\n|\r|\n)", text)  # a line that Excel writes for itself
    return Lines(path, text[hint.end() :] if hint else text, 2 if hint else 1)


def _content(path: Path) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise LabelsFileError(f"{path} is a folder. A table of labels is a file: give `labels` {path}/labels.csv.")
        if not stat.S_ISREG(status.st_mode):
            raise LabelsFileError(f"{path} is no regular file. Save the table of labels as a file on disk.")
        if status.st_size > LARGEST_TABLE:
            raise LabelsFileError(
                f"{path} is larger than a table of labels may be: {status.st_size:,} bytes, and {LARGEST_TABLE:,} are "
                "allowed. Leave out columns that are not needed."
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise LabelsFileError(f"{path} cannot be read: there is no such file. {_near(path)}") from error
    except OSError as error:
        raise LabelsFileError(f"{path} cannot be read: {error.strerror}. Allow reading it, or copy it.") from error


def _near(path: Path) -> str:
    try:
        beside = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"There is no folder {path.parent} either. Give the path of a table that exists."
    near = difflib.get_close_matches(path.name, beside, n=1)
    return f"Did you mean {path.parent / near[0]}?" if near else "Give the path of a table that exists."


def _decoded(content: bytes, path: Path) -> str:
    mark, encoding = next(((m, e) for m, e in _MARKS if content.startswith(m)), (b"", _without_mark(content)))
    try:
        text = content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            name = encoding.upper()[:6]
            raise LabelsFileError(f"{path} is damaged: it begins as {name} text and is none. {SAVE_AS}") from error
        raise LabelsFileError(_not_utf8(content, len(mark) + error.start, path)) from error
    position = text.find("\0")
    if position >= 0:
        line = len(_LINE_END.findall(text[:position].encode("utf-8", "replace"))) + 1
        raise LabelsFileError(f"{path}:{line} holds a zero byte, so it is damaged or no text. {SAVE_AS}")
    return text


def _without_mark(content: bytes) -> str:
    """The encoding of a text without a byte order mark: UTF-16 only if the first two characters show it."""
    zeros = [byte == 0 for byte in content[:4]]
    if zeros == [False, True, False, True]:
        return "utf-16-le"
    return "utf-16-be" if zeros == [True, False, True, False] else "utf-8"


def _not_utf8(content: bytes, position: int, path: Path) -> str:
    """Where the text stops being UTF-8, and how the line would read in the encoding that it most likely has."""
    ends = [match.end() for match in _LINE_END.finditer(content[:position])]
    line = _LINE_END.split(content[ends[-1] if ends else 0 :], maxsplit=1)[0]
    try:
        guess = f"Perhaps it is Windows-1252, where the line reads {line.decode('cp1252')[:80]!r}. "
    except UnicodeDecodeError:
        guess = ""
    return (
        f"{path}:{len(ends) + 1} is not UTF-8 text (byte 0x{content[position]:02X}). {guess}Save the table with the "
        f"encoding UTF-8. {SAVE_AS}"
    )
