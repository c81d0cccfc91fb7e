"""Labels files as people have them: the outcome of each was written before it was tried."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ilk.data.filename_matching import Names, nearest
from ilk.data.labels_table import LabelsTable, read_labels
from ilk.errors import LabelsFileError
from ilk.storage.tables import write_unmatched

ROOT = Path(__file__).resolve().parents[2]
NFC, NFD = (normalize(form, "café") for form in ("NFC", "NFD"))
NAIVE = normalize("NFD", "naïve")
OTHERS = ("notes.txt", "labels.csv", "sub/notes.txt")
IMAGES = (
    *("1.png", "2.png", "sub/3.png", "IMG_0031.jpg", "Dog.PNG", "dog.png", "x/same.png", "y/same.png", " odd.png"),
    *(f"{NFC}.png", f"sub/{NAIVE}.png", "photo.2024.jpg"),
    *("pair.jpg", "pair.cr2", "back\\slash.png", "e:\\x.png", "caf\udce9.png", "🐈.png", "q/deep/er.png"),
)
HEAD = "filename,label\n"


def read(folder: Path, content: bytes | str) -> LabelsTable:
    folder.mkdir(exist_ok=True)
    path = folder / "labels.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_labels(path, Names(folder, dict.fromkeys(IMAGES), OTHERS))


PLAIN = {"1.png": "cat", "sub/3.png": "dog"}
TEXT = f"{HEAD}1.png,cat\nsub/3.png,dog\n"

READ_SILENTLY = {
    "plain": (TEXT, PLAIN),
    "no line end at the end": (TEXT.rstrip(), PLAIN),
    "UTF-8 with a mark": (TEXT.encode("utf-8-sig"), PLAIN),
    "UTF-16 with a mark": ("\ufeff".encode("utf-16-le") + TEXT.encode("utf-16-le"), PLAIN),
    "UTF-16 the other way round": ("\ufeff".encode("utf-16-be") + TEXT.encode("utf-16-be"), PLAIN),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), PLAIN),
    "UTF-16 BE without a mark": (TEXT.encode("utf-16-be"), PLAIN),
    "UTF-16 with emoji": (f"{HEAD}🐈.png,😺\n".encode("utf-16"), {"🐈.png": "😺"}),
    "UTF-32 with a mark": (TEXT.encode("utf-32"), PLAIN),
    "CRLF": (TEXT.replace("\n", "\r\n"), PLAIN),
    "lone CR": (TEXT.replace("\n", "\r"), PLAIN),
    "CR CR LF": (TEXT.replace("\n", "\r\r\n"), PLAIN),
    "semicolons": (TEXT.replace(",", ";"), PLAIN),
    "tabs": (TEXT.replace(",", "\t"), PLAIN),
    "semicolons with commas within": ("label;filename\ncat, or so;1.png\n", {"1.png": "cat, or so"}),
    "a header with more commas than its separator": ("file;label;a,b,c,d\n1.png;x;y\n", {"1.png": "x"}),
    "Excel's sep line": ("sep=;\r\n" + TEXT.replace(",", ";"), PLAIN),
    "quoted": ('"filename","label"\n"1.png","cat ""Tom"", big"\n', {"1.png": 'cat "Tom", big'}),
    "a blank after the comma": ('filename, label\n1.png, "cat"\n', {"1.png": "cat"}),
    "blank lines": (f"\n\n{HEAD}\n1.png,cat\n,\n  \n", {"1.png": "cat"}),
    "separators at the end": ("filename,label,,\n1.png,cat,,\n2.png,dog,,,,\n", {"1.png": "cat", "2.png": "dog"}),
    "short rows": ("filename,label,author\n1.png,cat\n", {"1.png": "cat"}),
    "more columns": ("id,Label,who,Filename\n7,cat,me,1.png\n", {"1.png": "cat"}),
    "an index column": (",filename,label\n0,1.png,cat\n", {"1.png": "cat"}),
    "twice a column that is not needed": ("filename,x,x,label\n1.png,1,2,cat\n", {"1.png": "cat"}),
    "File Name and CLASS": ("File Name,CLASS\n1.png,cat\n", {"1.png": "cat"}),
    "image-path and target": ("image-path,target\n1.png,cat\n", {"1.png": "cat"}),
    "path and category": ("path,category\n1.png,cat\n", {"1.png": "cat"}),
    "image and labels": ("image,labels\n1.png,cat\n", {"1.png": "cat"}),
    "classes that look like nothing": (
        f"{HEAD}1.png,NA\n2.png,nan\nsub/3.png,None\n",
        {"1.png": "NA", "2.png": "nan", "sub/3.png": "None"},
    ),
    "minus one": (f"{HEAD}1.png,-1\n", {"1.png": "-1"}),
    "a bar between the cells": ("filename|label\n1.png|a\n", {"1.png": "a"}),
    "a label on two lines": (f'{HEAD}1.png,"a\nb"\n', {"1.png": "a b"}),
    "a long note beside": (f"filename,label,note\n1.png,a,{'x' * 200_000}\n", {"1.png": "a"}),
    "blanks around a label": (f"{HEAD}1.png,  cat\t\n", {"1.png": "cat"}),
    "an empty label": (f"{HEAD}1.png,\n2.png,  \n", {"1.png": None, "2.png": None}),
    "300 characters": (f"{HEAD}1.png,{'x' * 300}\n", {"1.png": "x" * 300}),
    "a label with accents apart": (f"{HEAD}1.png,{NFD}\n", {"1.png": NFC}),
    "equal twice": (f"{HEAD}1.png,cat\n1.png,cat\n./1.png,cat\n", {"1.png": "cat"}),
    "empty, then a label, then empty": (f"{HEAD}1.png,\n1.png,cat\n1.png,\n", {"1.png": "cat"}),
    "dots and doubled slashes": (f"{HEAD}./1.png,cat\nsub//../sub/3.png,dog\n", PLAIN),
    "out and in again": (f"{HEAD}../pets/1.png,cat\n", {"1.png": "cat"}),
    "a backslash in a real name": (f"{HEAD}back\\slash.png,cat\n", {"back\\slash.png": "cat"}),
    "a real name like a path of Windows": (f"{HEAD}e:\\x.png,cat\n", {"e:\\x.png": "cat"}),
    "a blank in a real name": (f'{HEAD}" odd.png",cat\n', {" odd.png": "cat"}),
    "the exact one of two letter cases": (f"{HEAD}dog.png,a\nDog.PNG,b\n", {"dog.png": "a", "Dog.PNG": "b"}),
}
READ_WITH_A_NOTE = {
    "two columns of names": ("image,filename,label\n9,1.png,cat\n", {"1.png": "cat"}, "'filename', not in image"),
    "two columns of labels": ("filename,class,label\n1.png,9,cat\n", {"1.png": "cat"}, "'label', not in class"),
    "backslashes": (f"{HEAD}.\\sub\\3.png,cat\n", {"sub/3.png": "cat"}, "'sub/3.png' (backslashes): used."),
    "accents apart": (f"{HEAD}{NFD}.png,a\n", {f"{NFC}.png": "a"}, "(Unicode spelling): used."),
    "accents together": (
        f"{HEAD}sub/naïve.png,a\n",
        {f"sub/{NAIVE}.png": "a"},
        "(Unicode spelling): used.",
    ),
    "letter case": (f"{HEAD}img_0031.JPG,a\n", {"IMG_0031.jpg": "a"}, "'IMG_0031.jpg' (letter case): used."),
    "letter case twice": (f"{HEAD}SUB/3.png,a\nSub/3.png,a\n", {"sub/3.png": "a"}, "used. More rows like it: 1."),
    "blanks": (f"{HEAD}1.png ,a\n", {"1.png": "a"}, "(blanks or quotes around it): used."),
    "a label copied from a page": (
        f"{HEAD}1.png,a\u200b\n2.png,\ufeffa\n",
        {"1.png": "a", "2.png": "a"},
        "written in two Unicode spellings",
    ),
    "curled quotes": (f"{HEAD}\u201c1.png\u201d,a\n", {"1.png": "a"}, "(blanks or quotes around it): used."),
    "a blank left out": (f"{HEAD} odd.png,a\n", {" odd.png": "a"}, "(blanks or quotes around it): used."),
    "no folder": (f"{HEAD}er.png,a\n", {"q/deep/er.png": "a"}, "(its folder left out): used."),
    "the folder itself": (f"{HEAD}pets/sub/3.png,a\n", {"sub/3.png": "a"}, "(other folders above it): used."),
    "no ending": (f"{HEAD}IMG_0031,a\n", {"IMG_0031.jpg": "a"}, "'IMG_0031.jpg' (file ending): used."),
    "another ending": (f"{HEAD}IMG_0031.heic,a\n", {"IMG_0031.jpg": "a"}, "(file ending): used."),
    "no ending but a dot": (f"{HEAD}photo.2024,a\n", {"photo.2024.jpg": "a"}, "(file ending): used."),
    "neither folder nor ending": (f"{HEAD}er,a\n", {"q/deep/er.png": "a"}, "(file ending): used."),
    "a raw file beside it": (f"{HEAD}pair,a\n", {"pair.jpg": "a"}, "'pair.jpg' (file ending): used."),
    "a path of Windows": (
        f"{HEAD}C:\\my\\pets\\Sub\\3.png,a\n",
        {"sub/3.png": "a"},
        r"names 'C:\my\pets\Sub\3.png', and",
    ),
    "a share of Windows": (f"{HEAD}\\\\nas\\pets\\1.png,a\n", {"1.png": "a"}, "(path of another computer): used."),
    "a name as our tables write it": (f"{HEAD}caf\\xe9.png,a\n", {"caf\udce9.png": "a"}, "(bytes that are not UTF-8)"),
    "a class in two spellings": (f"{HEAD}1.png,{NFC}\n2.png,{NFD}\n", {"1.png": NFC, "2.png": NFC}, "one class each"),
}

UNMATCHED = {
    "gone": ("IMG_9931.jpg", "there is no such file", "IMG_0031.jpg"),
    "like nothing": ("zzzzzz/qqqqqqqqqqq", "there is no such file", None),
    "no image": ("notes.txt", "that is no image that Ilk reads", None),
    "no image, with backslashes": ("sub\\notes.txt", "that is no image that Ilk reads", None),
    "two letter cases": ("DOG.png", "it fits several images alike: 'Dog.PNG', 'dog.png'", "Dog.PNG"),
    "two folders": ("same.png", "it fits several images alike: 'x/same.png', 'y/same.png'", "x/same.png"),
    "another folder": ("z/same2.png", "there is no such file", "x/same.png"),
    "another folder of the same name": ("y/3.png", "there is no such file", "sub/3.png"),
}

REFUSED = {
    "empty": ("", "{t} is empty. It needs a first line like: filename,label"),
    "blank": ("\n \n", "{t} is empty. It needs a first line like: filename,label"),
    "only a header": (HEAD, "{t} has a header, but no rows. Add a line for each labeled image, like: img1.jpg,cat"),
    "no header": ("1.png,cat\n", "{t}:1 looks like data, not like the names of columns: '1.png', 'cat'. Put a line ab"),
    "one column of names": ("1.png\n2.png\n", "{t}:1 looks like data, not like the names of columns: '1.png'."),
    "no column of names": ("fielname,label\n", "{t}:1 has no column of file names. Its columns: 'fielname', 'label'."),
    "its remedy": ("fielname,label\n", "Did you mean 'filename' by 'fielname'? Rename it."),
    "no column of labels": ("filename;breed\n", "{t}:1 has no column of labels. Its columns: 'filename', 'breed'."),
    "colons": ("filename:label\n", "{t}:1 has no column of file names. Its columns: 'filename:label'."),
    "blanks between the cells": (
        "filename label\n",
        "{t}:1 has one column only: 'filename label'. Separate the cells by",
    ),
    "two label columns": ("filename,label,Label\n", "{t}:1 names 2 columns 'label'. Rename or delete all but one."),
    "a conflict": (
        f"{HEAD}1.png,a\n\n./1.png,b\n",
        "{t}:4 gives '1.png' (written './1.png') the label 'b', but line 2 gives it 'a'. An image has one label: ",
    ),
    "a conflict in letter case": (
        f"{HEAD}img_0031.jpg,a\nIMG_0031.jpg,b\n",
        "{t}:3 gives 'IMG_0031.jpg' the label 'b', but line 2 gives it 'a' (written 'img_0031.jpg').",
    ),
    "a conflict of guesses": (f"{HEAD}er.gif,a\ner.bmp,b\n", "{t}:3 gives 'q/deep/er.png' (written 'er.bmp') the lab"),
    "a conflict after a label of two lines": (
        f'{HEAD}1.png,"a\nb"\n1.png,c\n',
        "{t}:4 gives '1.png' the label 'c', but",
    ),
    "up": (
        f"{HEAD}1.png,a\n../1.png,b\n",
        "{t}:3 names '../1.png', which lies outside {f}. Give each image's path wit",
    ),
    "below Excel's sep line": (
        "sep=;\nfilename;label\n../1.png;a\n",
        "{t}:3 names '../1.png', which lies outside {f}.",
    ),
    "up with backslashes": (f"{HEAD}..\\1.png,b\n", "{t}:2 names '..\\1.png', which lies outside {f}."),
    "up from within": (f"{HEAD}sub/../../1.png,b\n", "{t}:2 names 'sub/../../1.png', which lies outside {f}."),
    "absolute": (f"{HEAD}/etc/1.png,b\n", "{t}:2 names '/etc/1.png', which lies outside {f}."),
    "Windows elsewhere": (f"{HEAD}D:\\x\\y.png,b\n", "{t}:2 names 'D:\\x\\y.png', which lies outside {f}."),
    "no name": (f"{HEAD}1.png,a\n ,b\n", "{t}:3 names no file. Give each image's path within {f}."),
    "too many cells": (
        f"{HEAD}1.png,a,b\n",
        "{t}:2 has 3 cells, the header has 2. Put quotes around a cell that holds",
    ),
    "too few cells": (f"{HEAD}1.png,a\n2.png\n", "{t}:3 has 1 cell, the header has 2."),
    "an open quotation mark": (
        f'{HEAD}1.png,"a\n2.png,b\n',
        "{t}:2 cannot be read as a table: unexpected end of data.",
    ),
    "Windows-1252": (
        f"{HEAD}1.png,a\r\n2.png,chaton né\r\n".encode("cp1252"),
        "{t}:3 is not UTF-8 text (byte 0xE9). Perhaps it is Windows-1252, where the line reads '2.png,chaton né'. Save",
    ),
    "no text": (
        b"filename,label\r1.png,\x81\x8d",
        "{t}:2 is not UTF-8 text (byte 0x81). Save the table with the encod",
    ),
    "half of UTF-16": (TEXT.encode("utf-16")[:-1], "{t} is damaged: it begins as UTF-16 text and is none."),
    "a zero byte": (b"filename,label\n1.png,a\0\n", "{t}:2 holds a zero byte, so it is damaged or no text."),
    "Excel": (
        b"PK\x03\x04rest",
        "{t} is an Excel or zip file, whatever its name says. Save it as a CSV file. In a spre",
    ),
    "old Excel": (b"\xd0\xcf\x11\xe0rest", "{t} is an old Excel file, whatever its name says."),
    "Parquet": (b"PAR1rest", "{t} is a Parquet file, whatever its name says."),
}


def test_there_are_sixty() -> None:
    assert len(READ_SILENTLY) + len(READ_WITH_A_NOTE) + len(UNMATCHED) + len(REFUSED) >= 60


@pytest.mark.parametrize(("content", "labels"), READ_SILENTLY.values(), ids=READ_SILENTLY)
def test_read_silently(tmp_path: Path, content: bytes | str, labels: dict) -> None:
    table = read(tmp_path / "pets", content)
    assert table.labels == labels
    assert table.notes == table.unmatched == ()
    assert table.rows == len(table.labels) + table.duplicates


@pytest.mark.parametrize(("content", "labels", "words"), READ_WITH_A_NOTE.values(), ids=READ_WITH_A_NOTE)
def test_read_with_a_note(tmp_path: Path, content: str, labels: dict, words: str) -> None:
    table = read(tmp_path / "pets", content)
    assert table.labels == labels
    assert len(table.notes) == 1
    assert words in table.notes[0]
    assert table.notes[0].startswith(str(tmp_path / "pets" / "labels.csv"))


@pytest.mark.parametrize(("name", "reason", "near"), UNMATCHED.values(), ids=UNMATCHED)
def test_a_row_without_an_image_is_kept_with_its_reason(tmp_path: Path, name: str, reason: str, near: str) -> None:
    table = read(tmp_path / "pets", f"{HEAD}1.png,cat\n{name},dog\n")
    assert table.labels == {"1.png": "cat"}
    (row,) = table.unmatched
    assert (row.line, row.filename, row.label, row.reason) == (3, name, "dog", reason)
    assert row.nearest == near
    assert f"rows without an image: 1. Line 3 names '{name}', but {reason}." in table.notes[0]


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_refused_with_place_and_remedy(tmp_path: Path, content: bytes | str, words: str) -> None:
    folder = tmp_path / "pets"
    expected = words.replace("{t}", str(folder / "labels.csv")).replace("{f}", str(folder))
    with pytest.raises(LabelsFileError) as caught:
        read(folder, content)
    assert expected in str(caught.value)


def test_no_file_at_all(tmp_path: Path) -> None:
    names = Names(tmp_path, IMAGES)
    (tmp_path / "labels.csv").write_text(TEXT)
    with pytest.raises(
        LabelsFileError, match=r"lables\.csv cannot be read: there is no such file\. Did you mean .*/labels\.csv\?"
    ):
        read_labels(tmp_path / "lables.csv", names)
    with pytest.raises(LabelsFileError, match=r"There is no folder .*gone either"):
        read_labels(tmp_path / "gone" / "labels.csv", names)
    with pytest.raises(LabelsFileError, match=r"is a folder\. A table of labels is a file"):
        read_labels(tmp_path, names)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(LabelsFileError, match=r"pipe\.csv is no regular file"):
        read_labels(tmp_path / "pipe.csv", names)


def test_absolute_paths_within_the_folder_also_by_links(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "other").symlink_to(tmp_path / "link")
    rows = f"{HEAD}{folder}/1.png,a\n{tmp_path}/other/2.png,b\n{tmp_path}/link/sub/../sub/3.png,c\n"
    expected = {"1.png": "a", "2.png": "b", "sub/3.png": "c"}
    (tmp_path / "labels.csv").write_text(rows)
    for root in (folder, tmp_path / "link"):
        assert read_labels(tmp_path / "labels.csv", Names(root, IMAGES)).labels == expected
    with pytest.raises(LabelsFileError, match=r":2 names .*, which lies outside"):
        read_labels(tmp_path / "labels.csv", Names(folder / "sub", IMAGES))


def test_a_guess_gives_way_to_the_row_that_names_the_image(tmp_path: Path) -> None:
    table = read(tmp_path / "pets", f"{HEAD}IMG_0031.png,cat\nIMG_0031.jpg,dog\nIMG_0031.gif,dog\n")
    assert table.labels == {"IMG_0031.jpg": "dog"}
    (row,) = table.unmatched
    assert (row.line, row.nearest) == (2, "IMG_0031.jpg")
    assert "named by line 3" in row.reason
    assert table.duplicates == 1
    assert ":4 names 'IMG_0031.gif'" in table.notes[0]
    assert "More rows" not in table.notes[0]


def test_a_missing_image_of_another_computer_is_unmatched_where_others_are_found(tmp_path: Path) -> None:
    table = read(tmp_path / "pets", f"{HEAD}C:\\pets\\1.png,a\nc:\\Pets\\gone.png,b\n")
    assert [row.line for row in table.unmatched] == [3]


def test_a_note_for_each_reason_counts_its_rows(tmp_path: Path) -> None:
    table = read(tmp_path / "pets", f"{HEAD}gone1.png,a\nnotes.txt,b\ngone2.png,\nsame.png,c\n")
    assert [re.sub(r".*image: (\d)\. Line (\d).*", r"\1 \2", note) for note in table.notes] == ["2 2", "1 3", "1 5"]
    assert [(row.line, row.label) for row in table.unmatched] == [(2, "a"), (3, "b"), (4, None), (5, "c")]


def spoiled(name: str) -> st.SearchStrategy[str]:
    ways = (str, str.upper, str.lower, lambda n: normalize("NFD", n), lambda n: n.replace("/", "\\"))
    more = (
        lambda n: n.split("/")[-1],
        lambda n: n.rsplit(".", 1)[0],
        lambda n: f"./{n}",
        lambda n: f"{n}x",
        lambda n: "",
    )
    return st.sampled_from([way(name) for way in (*ways, *more)])


TYPED = st.sampled_from([name for name in IMAGES if name.isprintable() and ":" not in name] + list(OTHERS)).flatmap(
    spoiled
)
LABELS = st.sampled_from(["cat", "cat", "cat", "dog", "", "NA"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(TYPED, LABELS), max_size=6))
def test_every_row_is_used_or_a_duplicate_or_unmatched_or_refused(tmp_path_factory, rows: list) -> None:
    folder = tmp_path_factory.getbasetemp() / "pets"
    content = HEAD + "".join(f'"{name}",{label}\n' for name, label in rows)
    full = [(line, name, label) for line, (name, label) in enumerate(rows, 2) if name or label]
    try:
        table = read(folder, content)
    except LabelsFileError as error:
        place = re.match(r".*labels\.csv(?::(\d+))? ", str(error))
        assert place
        assert place[1] is None or int(place[1]) in {line for line, _, _ in full}
        if place[1] is None:
            assert full == []
        elif " gives " in str(error):
            assert len({label for _, _, label in full} - {""}) > 1
        else:
            assert any(not name for _, name, _ in full)
        return
    assert table.rows == len(full) == len(table.labels) + table.duplicates + len(table.unmatched)
    assert set(table.labels) <= set(IMAGES)
    lost = {row.line for row in table.unmatched}
    assert lost.isdisjoint(table.lines.values())
    by_line = {line: (name, label) for line, name, label in full}
    assert all((by_line[table.lines[name]][1] or None) == label for name, label in table.labels.items())
    for line, name, label in full:  # an exact name is never left out, and never gets another row's label
        if name in IMAGES:
            assert line not in lost
            assert not label or table.labels[name] == label


MANY_ROWS = """
import sys, time
from pathlib import Path
from ilk.data.filename_matching import Names
from ilk.data.labels_table import read_labels

images = [f"folder {i % 100}/IMG_{i:06}.jpg" for i in range(100_000)]
begin = time.process_time()
table = read_labels(Path(sys.argv[1]), Names(Path(sys.argv[1]).parent, images))
print(time.process_time() - begin, len(table.labels))
"""


def test_a_hundred_thousand_rows_are_read_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(HEAD + "".join(f"folder {i % 100}/IMG_{i:06}.jpg,class {i % 10}\n" for i in range(100_000)))
    # A process of its own, because the checks that tests make at every call take most of the time here.
    command, env = [sys.executable, "-c", MANY_ROWS, str(path)], {**os.environ, "PYTHONPATH": str(ROOT)}
    seconds, labels = subprocess.check_output(command, text=True, env=env).split()
    assert float(seconds) < 4
    assert int(labels) == 100_000


def test_ten_thousand_unmatched_rows_among_a_hundred_thousand_images_do_not_hang(tmp_path: Path) -> None:
    names = Names(tmp_path, [f"folder {i % 100}/IMG_{i:06}.jpg" for i in range(100_000)])
    path = tmp_path / "labels.csv"
    path.write_text(HEAD + "".join(f"folder {i % 100}/PIC-{i:06}.jpg,a\n" for i in range(10_000)))
    begin = time.process_time()
    table = read_labels(path, names)
    assert time.process_time() - begin < 12
    assert len(table.unmatched) == 10_000
    assert table.unmatched[7].nearest == "folder 7/IMG_000007.jpg"
    assert table.unmatched[-1].nearest is None


def test_the_nearest_name_is_one_slip_away() -> None:
    names = Names(Path("pets"), [f"a/picture_{i:04}.jpg" for i in range(2000)] + ["b/Zebra at noon.png"])
    assert nearest("a/pictures_0123.jpg", names) == "a/picture_0123.jpg"
    assert nearest("b/zebra_at_noon.png", names) == "b/Zebra at noon.png"
    assert nearest("zebra at non.png", names) == "b/Zebra at noon.png"
    assert nearest("quite another thing", names) is None


def test_rows_without_an_image_are_written_as_a_table(tmp_path: Path) -> None:
    table = read(tmp_path / "pets", f'{HEAD}IMG_9931.jpg,"a, b"\nzzzzzz/qqqqqqqqqqq,\n')
    path = tmp_path / "labels_unmatched.csv"
    write_unmatched(path, [(row.line, row.filename, row.label, row.nearest) for row in table.unmatched])
    assert path.read_text() == (
        'line,filename,label,nearest\n2,IMG_9931.jpg,"a, b",IMG_0031.jpg\n3,zzzzzz/qqqqqqqqqqq,,\n'
    )
