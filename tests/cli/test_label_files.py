"""Label files as people and programs leave them: what is read from each, or why not, written before it was tried."""

from __future__ import annotations

import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest

from ilk.data import load
from tests.cli.pictures import png
from tests.finished_runs import Ilk

CAFE, NAIVE = normalize("NFC", "café.png"), normalize("NFD", "naïve.png")
IMAGES = ("1.png", "2.png", "IMG_3.PNG", "sub/4.png", "a, b.png", "🐈.png", CAFE, NAIVE)
HEAD = "filename,label\n"
TEXT = f"{HEAD}1.png,cat\n2.png,dog\n"
PLAIN = {"1.png": "cat", "2.png": "dog"}
RED = "\x1b[31mred"
ROWS = "2.png,dog\n" * 200
LONG = "x" * 1_000_000

Content = str | bytes | Callable[[Path], None]

# What is in the file, the labels that are read, and the words of the one note on it (none: no note).
READ: dict[str, tuple[Content, dict[str, str], str]] = {
    "UTF-8": (TEXT, PLAIN, ""),
    "a byte order mark and CRLF": (TEXT.replace("\n", "\r\n").encode("utf-8-sig"), PLAIN, ""),
    "two byte order marks": (b"\xef\xbb\xbf" + TEXT.encode("utf-8-sig"), PLAIN, ""),
    "UTF-16 with tabs, as Excel's Unicode text": (TEXT.replace(",", "\t").encode("utf-16"), PLAIN, ""),
    "UTF-16, the other way round, no mark": (TEXT.encode("utf-16-be"), PLAIN, ""),
    "UTF-32": (TEXT.encode("utf-32"), PLAIN, ""),
    "a European spreadsheet": (
        'sep=;\r\n"Image";"Category"\r\n"1.png";"cat"\r\n"2.png";"dog"\r\n'.encode("utf-8-sig"),
        PLAIN,
        "",
    ),
    "CR": (TEXT.replace("\n", "\r"), PLAIN, ""),
    "three line ends in one file": ("filename,label\r\n1.png,cat\n2.png,dog\r", PLAIN, ""),
    "bars": (TEXT.replace(",", " | "), PLAIN, "(blanks or quotes around it): used. More rows like it: 1."),
    "separators at the end": (TEXT.replace("\n", ",,,\n"), PLAIN, ""),
    "a spreadsheet's empty rows": (TEXT + ",\n,\n" * 500, PLAIN, ""),
    "quotes within quotes": (f'{HEAD}"a, b.png","the ""big"" one"\n', {"a, b.png": 'the "big" one'}, ""),
    "a note of several lines beside": ('filename,note,label\n1.png,"a\n\nb",cat\n2.png,,dog\n', PLAIN, ""),
    "a label of several lines": (f'{HEAD}1.png,"big \n\n cat"\n', {"1.png": "big cat"}, ""),
    "a line of a million characters": (f"filename,label,note\n1.png,cat,{LONG}\n2.png,dog,\n", PLAIN, ""),
    "a name of a million characters": (f"{TEXT}{LONG},dog\n", PLAIN, "rows without an image: 1. Line 4 names"),
    "a name of a million folders": (f"{TEXT}{'a/' * 500_000}1.png,dog\n", PLAIN, "rows without an image: 1. Line 4"),
    "formulas": (f"{HEAD}1.png,=1+1\n2.png,@SUM(A1)\n", {"1.png": "=1+1", "2.png": "@SUM(A1)"}, ""),
    "numbers that a spreadsheet guards": (
        f'{HEAD}1.png,="007"\n2.png,\'007\n',
        {"1.png": '="007"', "2.png": "'007"},
        "",
    ),
    "numbers": (f"{HEAD}1.png,10\n2.png,9\nsub/4.png,1.0\n", {"1.png": "10", "2.png": "9", "sub/4.png": "1.0"}, ""),
    "words for nothing": (
        f"{HEAD}1.png,NaN\n2.png,NULL\nsub/4.png,#N/A\n",
        {"1.png": "NaN", "2.png": "NULL", "sub/4.png": "#N/A"},
        "",
    ),
    "empty cells": (f'{TEXT}sub/4.png,\n🐈.png,""\n{CAFE},\u00a0 \u200b\n', PLAIN, ""),
    "blanks around labels": (f"{HEAD}1.png,\tcat \n2.png,\u00a0dog\n", PLAIN, ""),
    "emoji": (f"{HEAD}🐈.png,😺\n1.png,👩‍👩‍👧\n", {"🐈.png": "😺", "1.png": "👩‍👩‍👧"}, ""),
    "right to left": (f"{HEAD}1.png,قط\n2.png,כלב\n", {"1.png": "قط", "2.png": "כלב"}, ""),
    "turned around by a mark": (
        f"{HEAD}1.png,a\u202egnp\u202cb\n2.png,dog\n",
        {"1.png": "a\u202egnp\u202cb", "2.png": "dog"},
        "",
    ),
    "colors of a terminal": (f"{HEAD}1.png,{RED}\n2.png,dog\n", {"1.png": RED, "2.png": "dog"}, ""),
    "accents apart": (f"{HEAD}{normalize('NFD', CAFE)},a\n1.png,b\n", {CAFE: "a", "1.png": "b"}, "(Unicode spelling)"),
    "accents together": (
        f"{HEAD}{normalize('NFC', NAIVE)},a\n1.png,b\n",
        {NAIVE: "a", "1.png": "b"},
        "(Unicode spelling)",
    ),
    "a class with accents apart and together": (
        f"{HEAD}1.png,{normalize('NFD', 'é')}\n2.png,{normalize('NFC', 'é')}\nsub/4.png,e\n",
        {"1.png": "é", "2.png": "é", "sub/4.png": "e"},
        "taken as one class each: é.",
    ),
    "letter case": (f"{HEAD}img_3.png,a\n1.png,b\n", {"IMG_3.PNG": "a", "1.png": "b"}, "(letter case): used."),
    "classes in two letter cases": (f"{HEAD}1.png,cat\n2.png,Cat\n", {"1.png": "cat", "2.png": "Cat"}, "kept apart"),
    "backslashes": (f"{HEAD}sub\\4.png,a\n1.png,b\n", {"sub/4.png": "a", "1.png": "b"}, "(backslashes): used."),
    "a path of Windows": (
        f"{HEAD}C:\\pets\\sub\\4.png,a\n1.png,b\n",
        {"sub/4.png": "a", "1.png": "b"},
        "(path of another",
    ),
    "a path with dots": (f"{HEAD}./sub/../1.png,cat\n.//2.png,dog\n", PLAIN, ""),
    "equal rows": (f"{TEXT}1.png,cat\n./1.png,cat\n", PLAIN, ""),
    "two files in one, header and all": (f"{HEAD}1.png,cat\n{HEAD}2.png,dog\n", PLAIN, "Line 3 names 'filename', but"),
    "columns twice": ("id,id,filename,label\n1,1,1.png,cat\n2,2,2.png,dog\n", PLAIN, ""),
    "a pandas index": (",Filename,LABEL\n0,1.png,cat\n1,2.png,dog\n", PLAIN, ""),
    "a row without an image": (f"{TEXT}3.png,dog\n", PLAIN, "Line 4 names '3.png', but there is no such file."),
}


def linked(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def bound(path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.close()


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


# What is in the file, the line that is named (0: none), and words of the refusal.
REFUSED: dict[str, tuple[Content, int, str]] = {
    "empty": ("", 0, "is empty"),
    "blank": ("\ufeff \r\n\r\n", 0, "is empty"),
    "separators alone": (",,\n,,\n", 1, "no column of file names"),
    "a line for Excel and nothing else": ("sep=;\r\n", 0, "is empty"),
    "a header alone": (HEAD, 0, "has a header, but no rows"),
    "no header": ("1.png,cat\n2.png,dog\n", 1, "looks like data"),
    "one column": ("filename\n1.png\n", 1, "no column of labels"),
    "a column misspelled": ("filename,lable\n1.png,cat\n", 1, "Did you mean 'label' by 'lable'?"),
    "blanks for separators": ("filename label\n1.png cat\n", 1, "has one column only"),
    "two columns of labels": ("filename,label,label\n1.png,cat,dog\n", 1, "names 2 columns 'label'"),
    "half a million columns": ("a," * 500_000 + "\n", 1, "no column of file names"),
    "a conflict": (f"{TEXT}1.png,dog\n", 4, "the label 'dog', but line 2 gives it 'cat'"),
    "a conflict of two spellings": (f"{TEXT}sub/4.png,a\nSUB\\4.png,b\n", 5, "but line 4 gives it 'a'"),
    "Latin-1": (f"{HEAD}1.png,Bär\n".encode("latin-1"), 2, "reads '1.png,Bär'"),
    "one line of Latin-1 in UTF-8": (f"{HEAD}{CAFE},ä\n".encode() + "1.png,ä\n".encode("latin-1"), 3, "is not UTF-8"),
    "UTF-16 cut in half": (TEXT.encode("utf-16")[:-1], 0, "begins as UTF-16 text and is none"),
    "UTF-16 with half a letter": (b"\xff\xfe" + HEAD.encode("utf-16-le") + b"\x00\xd8\n\0", 0, "begins as UTF-16"),
    "a zero byte": (f"{TEXT}3.png\0,cat\n", 4, "holds a zero byte"),
    "zero bytes only": (bytes(5000), 1, "holds a zero byte"),
    "an image": (png(np.zeros((4, 4), np.uint8)), 0, "is a PNG image"),
    "a spreadsheet": (b"PK\x03\x04\x14\0\x06\0", 0, "is an Excel or zip file"),
    "a database": (b"SQLite format 3\0\x10\0\1\1\0", 1, "holds a zero byte"),
    "a web page": ("<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", 0, "is a web page"),
    "JSON": ('[{"filename": "1.png", "label": "cat"}]\n', 1, "labels.csv:1 "),
    "a quotation mark left open": (f'{HEAD}1.png,"cat\n2.png,dog\n', 2, "Is a quotation mark left open there?"),
    "a quotation mark in the midst": (f'{HEAD}1.png,"cat" 2\n', 2, "Is a quotation mark left open there?"),
    "a label that has swallowed rows": (
        f'{HEAD}1.png,"cat\n{ROWS}3.png,fox"\n',
        2,
        "quotation mark",
    ),
    "a label of a million characters": (f"{TEXT}sub/4.png,{LONG}\n", 4, "1,000,000 characters"),
    "a label of a million blanks": (f"{TEXT}sub/4.png,a{LONG.replace('x', ' ')}b\n", 4, "1,000,002 characters"),
    "up": (f"{TEXT}../secret.png,dog\n", 4, "lies outside"),
    "up with backslashes": (f"{TEXT}sub\\..\\..\\secret.png,dog\n", 4, "lies outside"),
    "absolute": (f"{TEXT}/etc/passwd,dog\n", 4, "lies outside"),
    "a share": (f"{TEXT}\\\\server\\share\\x.png,dog\n", 4, "lies outside"),
    "too many cells": (f"{HEAD}1.png,cat, big\n", 2, "has 3 cells, the header has 2"),
    "too few cells": (f"{TEXT}sub/4.png\n", 4, "has 1 cell, the header has 2"),
    "no name": (f"{TEXT},dog\n", 4, "names no file"),
    "one class": (f"{HEAD}1.png,cat\n2.png,cat\n", 0, "all 2 labels name one class, 'cat'"),
    "no label": (f"{HEAD}1.png,\n2.png,  \n", 0, "none of its 8 images has a label"),
    "names of another folder": (f"{HEAD}x1.jpg,cat\nx2.jpg,dog\n", 0, "2 rows name no image here: the first is line 2"),
    "a folder": (Path.mkdir, 0, "is a folder"),
    "a pipe": (os.mkfifo, 0, "is a pipe or device"),
    "a socket": (bound, 0, "is a pipe or device"),
    "a device that never ends": (linked("/dev/zero"), 0, "is a pipe or device"),
    "a link to itself": (linked("labels.csv"), 0, "Too many levels of symbolic links"),
    "a link to nowhere": (linked("nowhere.csv"), 0, "there is no such file"),
    "a terabyte": (sparse, 0, "is larger than"),
}


@pytest.fixture(scope="module")
def pets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures") / "pets"
    for number, name in enumerate(IMAGES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(np.full((8, 8), number, np.uint8)))
    return folder


def write(path: Path, content: Content) -> None:
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_there_are_sixty() -> None:
    assert len(READ) + len(REFUSED) >= 60


@pytest.mark.parametrize("name", READ)
@pytest.mark.timeout(10)
def test_the_labels_that_are_read(ilk: Ilk, pets: Path, tmp_path: Path, name: str) -> None:
    content, labels, note = READ[name]
    write(tmp_path / "labels.csv", content)
    found = load(pets, labels=tmp_path / "labels.csv")
    given = {
        image: found.classes[target] for image, target in zip(found.names, found.targets, strict=True) if target >= 0
    }
    assert given == labels
    assert [note in said for said in found.notes] == ([True] if note else []), found.notes

    said = ilk("check", pets, "--labels", tmp_path / "labels.csv", "--json")
    assert said.code == 0
    (told,) = (event for event in said.events if event["event"] == "checked")
    assert told["labeled"] == len(labels)
    assert sum(told["classes"].values()) == len(labels)
    assert max(map(len, told["notes"]), default=0) < 1000


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.timeout(10)
def test_a_file_that_is_refused(ilk: Ilk, pets: Path, tmp_path: Path, name: str) -> None:
    content, line, words = REFUSED[name]
    write(tmp_path / "labels.csv", content)
    said = ilk("fit", pets, "--labels", tmp_path / "labels.csv", "--out", "run")
    assert said.code == 3, said
    assert words in said.error
    assert re.findall(r"labels\.csv(?::(\d+))?", said.error)[0] == (str(line) if line else "")
    assert len(said.error) < 1000
    assert not Path("run").exists()
    if name not in ("one class", "no label", "names of another folder"):  # which `check` only notes
        assert ilk("check", pets, "--labels", tmp_path / "labels.csv").error == said.error


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder of a user who is not root, and so can be refused by a file."""
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    place.chmod(0o755)
    root = os.geteuid() == 0
    yield place
    if root:
        os.seteuid(0)
    (place / "labels.csv").unlink()
    place.rmdir()


def test_a_file_that_may_not_be_read(pets: Path, nobody: Path) -> None:
    from ilk.data.filename_matching import Names
    from ilk.data.labels_table import read_labels
    from ilk.errors import LabelsFileError

    path = nobody / "labels.csv"
    path.write_text(TEXT)
    path.chmod(0)
    if os.geteuid() == 0:
        os.seteuid(65534)
    with pytest.raises(LabelsFileError, match=r"labels\.csv cannot be read: Permission denied\. Allow reading it"):
        read_labels(path, Names(pets, IMAGES))
