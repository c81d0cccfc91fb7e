"""Folders that hold what is no picture at all, or too many of them: nothing hangs, and each entry is accounted for."""

from __future__ import annotations

import io
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ilk.data import load
from ilk.errors import DataError

pytestmark = pytest.mark.timeout(60)


def png(value: int = 0) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((4, 4), value, dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def bound(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's whole path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)
    os.chdir(here)


def linked(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


NO_PICTURES: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe.png": (os.mkfifo, "it is not a regular file"),
    "socket.jpg": (bound, "it is not a regular file"),
    "zero.png": (linked("/dev/zero"), "it is not a regular file"),
    "null.tif": (linked("/dev/null"), "it is not a regular file"),
    "linked pipe.png": (linked("pipe.png"), "it is not a regular file"),
    "folder.gif": (Path.mkdir, "it is a folder, not an image file"),
    "itself.png": (linked("itself.png"), "it cannot be read: Too many levels of symbolic links"),
    "round.png": (linked("trip.png"), "it cannot be read: Too many levels of symbolic links"),
    "trip.png": (linked("round.png"), "it cannot be read: Too many levels of symbolic links"),
    "nowhere.webp": (linked("not there"), "it is a link to a file that is not there"),
    "through a file.png": (linked("1.png/x.png"), "it cannot be read: Not a directory"),
    "empty.bmp": (Path.touch, "it is empty (0 bytes)"),
}
ODD_NAMES = (
    b"caf\xe9.png",
    b"two\nlines.png",
    b"\t.png",
    b"-x.png",
    b"a,b;\"c'.png",
    b"x" * 251 + b".png",
    "🐈\u202e.png".encode(),
)


def test_what_is_no_picture_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    for name, (make, _) in NO_PICTURES.items():
        make(tmp_path / name)
    for value, name in enumerate((b"1.png", *ODD_NAMES)):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(png(value))
    (tmp_path / "here").symlink_to(".")
    (tmp_path / "loop").symlink_to("loop")
    dataset = load(tmp_path)
    assert {skip.file: skip.reason for skip in dataset.skipped} == {name: why for name, (_, why) in NO_PICTURES.items()}
    shown = [name.decode("utf-8", "backslashreplace") for name in (b"1.png", *ODD_NAMES)]
    values = dict(zip(dataset.names, dataset.images[:, 0, 0, 0].tolist(), strict=True))
    assert values == {name: value for value, name in enumerate(shown)}


@pytest.mark.parametrize(
    "name", ["train.parquet", "x.pq", "train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "data_batch_1.bin"]
)
@pytest.mark.parametrize("make", [os.mkfifo, linked("/dev/zero"), linked("nowhere"), Path.mkdir])
def test_an_archive_that_is_no_file_is_refused_at_once(tmp_path: Path, name: str, make: Callable) -> None:
    make(tmp_path / name)
    for source in (tmp_path, tmp_path / name):
        with pytest.raises(DataError, match=r"no regular file|holds no image|cannot be read|does not exist|in no form"):
            load(source)


def test_folders_that_lead_to_one_another_are_read_once(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(png())
        for other in ("a", "b", "c"):
            (tmp_path / name / f"to {other}").symlink_to(f"../{other}")
    assert load(tmp_path).names == ("a/x.png", "b/x.png", "c/x.png")


def test_a_path_that_is_too_long_to_be_opened_is_a_note(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=here)
        here, above = os.open("d" * 200, os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(here)
    dataset = load(tmp_path)
    assert dataset.names == ("a.png",)
    assert any("cannot be read (File name too long)" in note for note in dataset.notes)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder of a user who is not root; "file.png", "folder" and "listed" may not be read, listed or entered."""
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    for folder in ("folder", "listed", "open"):
        (place / folder).mkdir()
        (place / folder / "1.png").write_bytes(png())
    (place / "file.png").write_bytes(png())
    modes = {"file.png": 0, "folder": 0o311, "listed": 0o744, ".": 0o755, "open": 0o755}
    for name, mode in modes.items():
        (place / name).chmod(mode)
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    yield place
    os.seteuid(me)
    shutil.rmtree(place)


@pytest.mark.parametrize("name", ["x.parquet", "t10k-images-idx3-ubyte", "test_batch.bin", "x.png"])
def test_an_archive_that_may_not_be_read_is_refused(closed: Path, name: str) -> None:
    os.seteuid(os.getuid())
    (closed / "file.png").rename(closed / name)
    if os.getuid() == 0:
        os.seteuid(65534)
    if name == "x.png":
        assert load(closed / name).skipped[0].reason == "it cannot be read: Permission denied"
    else:
        with pytest.raises(DataError, match="cannot be read: Permission denied"):
            load(closed / name)


def test_what_may_not_be_read_is_named(closed: Path) -> None:
    dataset = load(closed)
    assert dataset.names == ("open/1.png",)
    assert {skip.file: skip.reason for skip in dataset.skipped} == {
        "file.png": "it cannot be read: Permission denied",
        "listed/1.png": "it cannot be read: Permission denied",
    }
    assert dataset.notes[0] == "The folder folder cannot be read (Permission denied); its images are missing here."


@pytest.mark.parametrize("count", [2_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_a_folder_of_very_many_entries(count: int, tmp_path: Path) -> None:
    """One in a hundred of them is a pipe, a broken link, a folder, an empty file or no image."""
    others = (os.mkfifo, linked("nowhere"), Path.mkdir, Path.touch, lambda path: path.write_text("no image"))
    for number in range(count):
        path = tmp_path / f"{number:06}.png"
        if number % 100 == 99:
            others[number // 100 % 5](path)
        elif number % 10_000 == 0:
            path.write_bytes(png())
        else:
            os.link(tmp_path / f"{number // 10_000 * 10_000:06}.png", path)
    begun = time.process_time()
    dataset = load(tmp_path, pixels=False)
    assert time.process_time() - begun < 120 * count / 100_000 + 5
    assert dataset.found == count
    assert [int(skip.file[:-4]) for skip in dataset.skipped] == list(range(99, count, 100))
    assert len({skip.reason for skip in dataset.skipped}) == 5
