"""What a file is, by its first bytes and its name, when it is no image that Ilk reads."""

from __future__ import annotations

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")

RAW_SUFFIXES = frozenset({".arw", ".cr2", ".cr3", ".dng", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".srw"})
"""Raw files of cameras. Many are TIFF inside, whose first picture is only a small preview."""

UNREAD_SUFFIXES = RAW_SUFFIXES | {
    *(".ai", ".avif", ".eps", ".exr", ".hdr", ".heic", ".heif", ".ico", ".j2k", ".jp2", ".jxl", ".pbm", ".pcx"),
    *(".pgm", ".pnm", ".ppm", ".psd", ".svg", ".svgz", ".tga", ".wmf", ".xcf"),
}
"""What is an image to its owner, but none that Ilk reads: it is named among the skipped, with the remedy."""

SIGNATURE_BYTES = 1024
"""How many bytes `recognize` looks at."""

_READ_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)
_UNREAD_SIGNATURES = (
    (b"%!PS", "an EPS or PostScript drawing"),
    (b"\xc5\xd0\xd3\xc6", "an EPS drawing"),
    (b"8BPS", "a Photoshop image"),
    (b"\0\0\1\0", "an icon"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"gimp xcf", "a GIMP image"),
    (b"v/1\x01", "an OpenEXR image"),
    *((b"P%d" % number, "a PNM image") for number in range(1, 8)),
)
_BRANDS = {b"avif": "an AVIF image", b"avis": "an AVIF image", b"crx ": "a camera's raw file"}
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_OTHER_SIGNATURES = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
)


def recognize(beginning: bytes) -> str:
    """Why a file cannot be read as an image: what it seems to be, and what mends it; a sentence without its period.

    Args:
        beginning: its first bytes, up to `SIGNATURE_BYTES`.
    """
    for signature, form in _READ_SIGNATURES:
        if beginning.startswith(signature):
            return f"it begins like a {form} image, but is cut short or damaged"
    if beginning.startswith(b"RIFF") and beginning[8:12] in (b"WEBP", b""):
        return "it begins like a WebP image, but is cut short or damaged"
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    image = next((kind for signature, kind in _UNREAD_SIGNATURES if beginning.startswith(signature)), None)
    if beginning[4:8] == b"ftyp":
        image = "a HEIC image" if beginning[8:12] in _HEIC_BRANDS else _BRANDS.get(beginning[8:12], "a film")
    elif b"<svg" in text:
        image = "an SVG drawing"
    if image:
        return f"it is {image}, which Ilk does not read; convert it to JPEG or PNG"
    other = next((kind for signature, kind in _OTHER_SIGNATURES if beginning.startswith(signature)), None)
    if other:
        return f"it is {other}, not an image"
    return _recognize_text(beginning, text)


def _recognize_text(beginning: bytes, text: bytes) -> str:
    if text.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the image itself; run `git lfs pull`"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "it is HTML, not an image (a download that went wrong?)"
    if not beginning.strip(b"\0"):
        return "it holds only zero bytes"
    if all(byte >= 0x20 or byte in b"\t\r\n\f" for byte in beginning):
        kind = "XML" if text.startswith(b"<?xml") else "JSON" if text.startswith((b"{", b"[")) else "text"
        try:
            beginning.decode("utf-8")
        except UnicodeDecodeError as error:
            # A cut may have split the last character.
            kind = kind if error.start > len(beginning) - 4 else ""
        if kind:
            return f"it is {kind}, not an image"
    return f"it is not a readable {', '.join(FORMATS[:-1])} or {FORMATS[-1]} image"
