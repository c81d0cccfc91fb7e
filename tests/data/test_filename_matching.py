"""A name in a table finds the one image that it means, or says why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ilk.data.filename_matching import GUESSES, OUTSIDE, Names, find_name, nearest

IMAGES = ("cat/1.jpg", "cat/Zo\u00eb.png", "dog/1.jpg", "dog/IMG_7.JPG", "dog/IMG_7.dng", "a b.png")


@pytest.fixture
def names(tmp_path: Path) -> Names:
    return Names(tmp_path, IMAGES, ["notes.txt"])


@pytest.mark.parametrize(
    ("cell", "name", "kind"),
    [
        ("cat/1.jpg", "cat/1.jpg", ""),
        ("./cat/../cat/1.jpg", "cat/1.jpg", ""),
        ("cat\\1.jpg", "cat/1.jpg", "backslashes"),
        ("cat/Zoe\u0308.png", "cat/Zo\u00eb.png", "Unicode spelling"),
        (' "a b.png" ', "a b.png", "blanks or quotes around it"),
        ("CAT/1.JPG", "cat/1.jpg", "letter case"),
        ("Zo\u00eb.png", "cat/Zo\u00eb.png", "its folder left out"),
        ("pets/dog/1.jpg", "dog/1.jpg", "other folders above it"),
        ("dog/IMG_7", "dog/IMG_7.JPG", "file ending"),
    ],
)
def test_each_looser_way_says_how_the_spelling_differs(names: Names, cell: str, name: str, kind: str) -> None:
    found = find_name(cell, names)
    assert (found.name, found.kind, found.reason) == (name, kind, "")
    assert (kind in GUESSES) == (kind in {"its folder left out", "other folders above it", "file ending"})


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1.jpg", "it fits several images alike"),
        ("bird.jpg", "there is no such file"),
        ("notes.txt", "that is no image"),
        ("../cat/1.jpg", OUTSIDE),
        ("/etc/passwd", OUTSIDE),
        ("x" * 5000, "there is no such file"),
    ],
)
def test_what_means_no_image_or_several_says_why(names: Names, cell: str, reason: str) -> None:
    found = find_name(cell, names)
    assert found.name is None
    assert found.reason.startswith(reason)


def test_a_path_of_another_computer_is_found_by_its_end(names: Names) -> None:
    found = find_name("C:\\Users\\me\\dog\\IMG_7.JPG", names)
    assert found.name == "dog/IMG_7.JPG"
    assert found.above == "c:/users/me/"


def test_the_nearest_name_is_a_guess_and_nothing_like_it_is_none(names: Names) -> None:
    assert nearest("dog/IMG_8.JPG", names) == "dog/IMG_7.JPG"
    assert nearest("qqqq.bin", names) is None
    assert nearest("x" * 5000, names) is None
