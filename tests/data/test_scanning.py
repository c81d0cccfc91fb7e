"""A folder is listed once: files, folders, and how many were passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from ilk.data.scanning import is_image_name, is_picture_name, is_run, quoted, readable, scan_folder
from ilk.errors import DataError


def test_names_of_images() -> None:
    assert is_image_name("a/B.JPeG")
    assert not is_image_name("a.heic")
    assert is_picture_name("a.heic")
    assert not is_picture_name("png")


def test_odd_names_can_be_written() -> None:
    assert readable("caf\udce9.png") == "caf\\xe9.png"
    assert quoted("a\\b") == "'a\\b'"
    assert len(quoted("x" * 5000)) < 300


def test_every_file_is_listed_or_counted(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/1.txt", "a.png", ".hidden", "__MACOSX/a.png", "b/Thumbs.db", "run/config.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"ilk": 1}')
    (tmp_path / "empty").mkdir()
    (tmp_path / "again").symlink_to(tmp_path)
    scan = scan_folder(tmp_path)
    assert scan.files == ("a.png", "b/1.txt", "b/2.png")
    assert scan.folders == ("b", "empty")
    # .hidden, __MACOSX, Thumbs.db, the run, and the link that leads back
    assert (scan.ignored, scan.notes) == (5, ())


@pytest.mark.parametrize("content", ["[]", "{}", "no json", "[" * 100_000, '"ilk"'])
def test_what_is_no_run(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    assert not is_run(tmp_path)
    scan_folder(tmp_path)


def test_a_run_is_no_folder_of_images(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"ilk": "0.1"}')
    assert is_run(tmp_path)
    with pytest.raises(DataError, match="is a run of Ilk"):
        scan_folder(tmp_path)
    with pytest.raises(DataError, match="cannot be listed"):
        scan_folder(tmp_path / "absent")
