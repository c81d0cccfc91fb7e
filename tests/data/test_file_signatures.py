"""What a file seems to be when it is no image: the first bytes of real files, and the words that the user reads."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ilk.data.file_signatures import RAW_SUFFIXES, UNREAD_SUFFIXES, recognize
from ilk.data.scanning import IMAGE_SUFFIXES

CONVERT = "which Ilk does not read; convert it to JPEG or PNG"
SEEN = [
    (b"<!DOCTYPE html>\n<html><body>404", "it is HTML, not an image (a download that went wrong?)"),
    (b"\n\n  <HTML>", "it is HTML, not an image (a download that went wrong?)"),
    (b"\xef\xbb\xbf<html lang='de'>", "it is HTML, not an image (a download that went wrong?)"),
    (b'{"error": "not found"}', "it is JSON, not an image"),
    (b"<?xml version='1.0'?><Error>AccessDenied</Error>", "it is XML, not an image"),
    (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'>", f"it is an SVG drawing, {CONVERT}"),
    ("caf\u00e9 \u2603 ".encode() * 40, "it is text, not an image"),
    (("\u2603" * 40).encode()[:-1], "it is text, not an image"),
    (
        b"version https://git-lfs.github.com/spec/v1\noid",
        "it is a Git LFS pointer, not the image itself; run `git lfs pull`",
    ),
    (b"%!PS-Adobe-3.0 EPSF-3.0", f"it is an EPS or PostScript drawing, {CONVERT}"),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", f"it is a HEIC image, {CONVERT}"),
    (b"\0\0\0\x1cftypavif\0\0\0\0", f"it is an AVIF image, {CONVERT}"),
    (b"\0\0\0\x20ftypisom\0\0\x02\0", f"it is a film, {CONVERT}"),
    (b"8BPS\0\1", f"it is a Photoshop image, {CONVERT}"),
    (b"P5\n3 3\n255\n", f"it is a PNM image, {CONVERT}"),
    (b"%PDF-1.7", "it is a PDF document, not an image"),
    (b"PK\x03\x04\x14\0", "it is a ZIP archive, not an image"),
    (b"\x1f\x8b\x08", "it is a gzip archive, not an image"),
    (bytes(300), "it holds only zero bytes"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF", "it begins like a JPEG image, but is cut short or damaged"),
    (b"\x89PNG\r\n", "it begins like a PNG image, but is cut short or damaged"),
    (b"RIFF\x10\0\0\0WEBP", "it begins like a WebP image, but is cut short or damaged"),
    (b"RIFF\x10\0\0\0WAVEfmt ", "it is not a readable JPEG, PNG, WEBP, BMP, TIFF or GIF image"),
    (b"\x93\x01\x02\xfe\xff", "it is not a readable JPEG, PNG, WEBP, BMP, TIFF or GIF image"),
]


@pytest.mark.parametrize(("beginning", "words"), SEEN)
def test_a_file_is_called_what_it_is(beginning: bytes, words: str) -> None:
    assert recognize(beginning) == words


@given(st.binary(max_size=64))
def test_any_bytes_get_words(beginning: bytes) -> None:
    assert recognize(beginning).startswith("it ")


def test_no_suffix_is_both_read_and_unread() -> None:
    assert not UNREAD_SUFFIXES & {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".webp",
        ".bmp",
        ".dib",
        ".tif",
        ".tiff",
        ".gif",
    }
    assert RAW_SUFFIXES < UNREAD_SUFFIXES
    assert all(os.path.splitext("a" + suffix)[1] == suffix == suffix.lower() for suffix in UNREAD_SUFFIXES)
    assert IMAGE_SUFFIXES
