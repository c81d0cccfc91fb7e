"""One image at a time: what is read right, and what is refused with which reason.

The references are pixels that the tests know because they wrote the file byte by byte, or Pillow's full decoding with
plain arithmetic on top.
"""

from __future__ import annotations

import io
import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ilk.data.decoding import MOST_PIXELS, decode, quiet, read_header
from ilk.data.file_checks import UndecodableError
from tests.data.written import bmp, png, tiff

RAMP = np.arange(12 * 16, dtype=np.uint8).reshape(12, 16)
COLOR = np.stack([RAMP, 255 - RAMP, RAMP // 2], axis=2)
DEEP = np.array([[0, 128, 129, 257, 32896, 65535]], dtype=np.uint16)
ROUNDED = [[0, 0, 1, 1, 128, 255]]
FRAMES = [Image.fromarray(np.full((12, 16, 3), level, dtype=np.uint8)) for level in (50, 150, 250)]
FORMS = {
    "JPEG": ("JPEG", {}),
    "progressive JPEG": ("JPEG", {"progressive": True}),
    "PNG": ("PNG", {}),
    "WebP": ("WEBP", {}),
    "lossless WebP": ("WEBP", {"lossless": True}),
    "BMP": ("BMP", {}),
    "GIF": ("GIF", {}),
    "TIFF": ("TIFF", {}),
    "TIFF LZW": ("TIFF", {"compression": "tiff_lzw"}),
    "TIFF deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "TIFF packbits": ("TIFF", {"compression": "packbits"}),
}


def encode(image: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def reason(picture: object, max_pixels: int = 10_000) -> str:
    with pytest.raises(UndecodableError) as refused:
        decode(picture, (12, 16), max_pixels)
    return str(refused.value)


def over_white(color: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The formula of a picture on white paper."""
    share = alpha[..., None] / 255
    return np.rint(color * share + 255 * (1 - share))


def written() -> dict[str, tuple[bytes, np.ndarray]]:
    """Files with the pixels, (height, width, channels), that they hold by their format's own description."""
    alpha = RAMP[::-1]
    deep = DEEP.astype(">u2").tobytes()
    cut = np.repeat(DEEP[..., None] >> 8, 3, axis=2)
    bits = np.unpackbits(np.array([[0b10110010, 0b01000000]], dtype=np.uint8), axis=1)[:, :12, None] * 255
    palette = np.array([[10, 20, 30], [40, 50, 60], [200, 100, 0]], dtype=np.uint8)
    entries = np.array([[0, 1, 2]], dtype=np.uint8)
    rgba = np.dstack([COLOR, alpha])
    return {
        "PNG gray": (png(RAMP.tobytes(), 16, 12, 8, 0), RAMP[..., None]),
        "PNG 1 bit": (png(bytes([0b10110010, 0b01000000]), 12, 1, 1, 0), bits),
        "PNG 2 bits": (png(bytes([0b00011011]), 4, 1, 2, 0), np.array([[[0], [85], [170], [255]]])),
        "PNG 4 bits": (png(bytes([0x0F, 0x80]), 3, 1, 4, 0), np.array([[[0], [255], [136]]])),
        "PNG 16 bits": (png(deep, 6, 1, 16, 0), np.array(ROUNDED)[..., None]),
        "PNG RGB": (png(COLOR.tobytes(), 16, 12, 8, 2), COLOR),
        "PNG 16-bit RGB": (png(np.repeat(DEEP[..., None], 3, 2).astype(">u2").tobytes(), 6, 1, 16, 2), cut),
        "PNG gray, alpha": (
            png(np.dstack([RAMP, alpha]).tobytes(), 16, 12, 8, 4),
            over_white(RAMP[..., None], alpha),
        ),
        "PNG RGBA": (png(rgba.tobytes(), 16, 12, 8, 6), over_white(COLOR, alpha)),
        "PNG palette": (png(entries.tobytes(), 3, 1, 8, 3, PLTE=palette.tobytes()), palette[entries]),
        "PNG palette, alpha": (
            png(entries.tobytes(), 3, 1, 8, 3, PLTE=palette.tobytes(), tRNS=bytes([255, 128, 0])),
            over_white(palette[entries], np.array([[255, 128, 0]])),
        ),
        "PNG RGB, one color transparent": (
            png(bytes([9, 9, 9, 1, 2, 3]), 2, 1, 8, 2, tRNS=struct.pack(">3H", 1, 2, 3)),
            np.array([[[9, 9, 9], [255, 255, 255]]]),
        ),
        "BMP bottom up": (bmp(COLOR), COLOR),
        "BMP top down": (bmp(COLOR, top_down=True), COLOR),
        "TIFF gray": (tiff(RAMP[..., None]), RAMP[..., None]),
        "TIFF RGB": (tiff(COLOR), COLOR),
        "TIFF RGB in strips": (tiff(COLOR, rows_per_strip=5), COLOR),
        "TIFF RGB, big end first": (tiff(COLOR, order=">"), COLOR),
        "TIFF 16 bits": (tiff(DEEP[..., None]), np.array(ROUNDED)[..., None]),
        "TIFF 16 bits, big end first": (tiff(DEEP[..., None], order=">"), np.array(ROUNDED)[..., None]),
        "TIFF 16-bit RGB": (tiff(np.repeat(DEEP[..., None], 3, 2)), cut),
        "TIFF white is zero": (tiff(RAMP[..., None], photometric=0), 255 - RAMP[..., None]),
    }


@pytest.mark.parametrize("name", written())
def test_pixels_are_those_that_the_file_holds(name: str) -> None:
    data, pixels = written()[name]
    height, width, channels = pixels.shape
    header = read_header(data, 10_000)
    assert (header.height, header.width, header.gray) == (height, width, channels == 1)
    decoded = decode(data, (height, width))
    assert decoded.dtype == np.uint8
    assert np.abs(decoded.transpose(1, 2, 0).astype(int) - pixels).max() <= ("alpha" in name)


@pytest.mark.parametrize("name", [name for name in FORMS if name not in ("JPEG", "progressive JPEG", "WebP", "GIF")])
def test_lossless_forms_keep_every_pixel_at_their_own_size(name: str) -> None:
    form, options = FORMS[name]
    assert np.array_equal(decode(encode(Image.fromarray(COLOR), form, **options), (12, 16)), COLOR.transpose(2, 0, 1))


@pytest.mark.parametrize("name", ["JPEG", "progressive JPEG", "WebP", "GIF"])
def test_lossy_forms_come_close(name: str) -> None:
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    form, options = FORMS[name]
    decoded = decode(encode(Image.fromarray(smooth), form, **options), (64, 64))
    assert np.abs(decoded[0].astype(int) - smooth).max() < 8


@pytest.mark.parametrize(
    ("form", "several"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {}), ("TIFF", {}), ("MPO", {})]
)
def test_the_first_frame_or_page_counts(form: str, several: dict) -> None:
    data = encode(FRAMES[0], form, save_all=True, append_images=FRAMES[1:], **several)
    assert np.abs(decode(data, (12, 16)).astype(int) - 50).max() <= 1


def test_a_phones_jpeg_of_two_pictures_is_shrunk_early_like_any_jpeg() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8))
    phone = decode(encode(noise, "MPO", save_all=True, append_images=[noise]), (16, 16))
    assert np.array_equal(phone, decode(encode(noise, "JPEG"), (16, 16)))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 5000), (5000, 1)])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_extreme_shapes_are_averaged_to_the_size(form: str, height: int, width: int) -> None:
    line = np.linspace(0, 255, height * width).astype(np.uint8).reshape(height, width)
    decoded = decode(encode(Image.fromarray(line), form), (8, 8))[0].astype(int)
    middles = line if line.size == 1 else line.reshape(8, -1).mean(axis=1)
    expected = np.broadcast_to(middles[:, None] if height > width else middles, (8, 8))
    assert np.abs(decoded - expected).max() <= 8


@pytest.mark.parametrize(("bmp_mode", "exact"), [("1", True), ("L", True), ("P", True), ("RGB", True), ("RGBA", True)])
def test_bitmaps_of_every_depth(bmp_mode: str, exact: bool) -> None:
    image = Image.fromarray(COLOR).convert(bmp_mode)
    reference = np.asarray(image.convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(np.broadcast_to(decode(encode(image, "BMP"), (12, 16)), reference.shape), reference) is exact


def test_ink_becomes_light_in_both_forms_of_cmyk() -> None:
    """Adobe writes ink upside down in JPEG and says so; TIFF holds it as it is."""
    inks = np.zeros((32, 32, 4), dtype=np.uint8)
    inks[:16, :, 1:3] = 255
    inks[16:, :, 3] = 102
    light = (255 - inks[..., :3].astype(int)) * (255 - inks[..., 3:].astype(int)) / 255
    for form, options in (("JPEG", {"quality": 95}), ("TIFF", {})):
        decoded = decode(encode(Image.fromarray(inks, "CMYK"), form, **options), (32, 32))
        assert np.abs(decoded.transpose(1, 2, 0) - light).max() <= 6, form


def test_a_jpeg_with_bytes_after_its_end_and_one_with_a_color_profile() -> None:
    plain = encode(Image.fromarray(COLOR), "JPEG")
    expected = decode(plain, (12, 16))
    assert np.array_equal(decode(plain + b"trailing" * 100, (12, 16)), expected)
    profiled = encode(Image.fromarray(COLOR), "JPEG", icc_profile=b"any profile: it is not applied" * 9)
    assert np.array_equal(decode(profiled, (12, 16)), expected)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_followed(form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    corner = np.zeros((32, 32), dtype=np.uint8)
    corner[:16, :16] = 255
    corner[:16, 16:] = 128
    upright = {
        1: corner,
        2: corner[:, ::-1],
        3: np.rot90(corner, 2),
        4: corner[::-1],
        5: corner.T,
        6: np.rot90(corner, -1),
        7: np.rot90(corner, 2).T,
        8: np.rot90(corner),
    }[orientation]
    options = {"lossless": True} if form == "WEBP" else {}
    decoded = decode(encode(Image.fromarray(corner), form, exif=exif, **options), (32, 32))
    assert np.abs(decoded[0].astype(int) - upright).max() <= 6


def test_a_size_that_is_not_square_is_that_of_the_upright_image() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = np.repeat(np.linspace(0, 255, 40).astype(np.uint8)[None], 20, axis=0)  # brighter to the right: then down
    decoded = decode(encode(Image.fromarray(image), "PNG", exif=exif), (8, 4))[0].astype(int)
    assert decoded.shape == (8, 4)
    assert np.abs(decoded - image[0].reshape(8, 5).mean(axis=1)[:, None]).max() <= 8


@pytest.mark.parametrize("side", [200, 256, 333, 777])
def test_a_jpeg_shrunk_early_agrees_with_a_full_decoding(side: int) -> None:
    """Within 5 levels at any pixel, 1 on average, of averaging the full picture; sides that 8 does not divide too."""
    coarse = Image.fromarray(np.random.default_rng(side).integers(0, 256, (side // 40, side // 40, 3), dtype=np.uint8))
    data = encode(coarse.resize((side, side), Image.Resampling.BICUBIC), "JPEG", quality=90)
    with Image.open(io.BytesIO(data)) as full:
        expected = np.asarray(full.resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
    difference = np.abs(decode(data, (32, 32)).transpose(1, 2, 0) - expected)
    assert difference.max() <= 5
    assert difference.mean() <= 1


def test_shrinking_averages() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256), dtype=np.uint8)
    small = decode(encode(Image.fromarray(noise), "PNG"), (16, 16))[0].astype(float)
    blocks = noise.reshape(16, 16, 16, 16).mean(axis=(1, 3))
    assert np.abs(small - 127.5).mean() < 12  # one noise pixel picked from each block would be 64 away
    assert np.corrcoef(small.ravel(), blocks.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("name", FORMS)
def test_a_file_cut_anywhere_is_refused_or_has_lost_no_pixel(name: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    form, options = FORMS[name]
    data = encode(Image.fromarray(noise), form, **options)
    whole = decode(data, (24, 32))
    refused = 0
    with quiet():
        for length in {*range(0, len(data), max(1, len(data) // 100)), *range(len(data) - 24, len(data))}:
            try:
                assert np.array_equal(decode(data[:length], (24, 32)), whole), f"{length} of {len(data)} bytes"
            except UndecodableError:
                refused += 1
    assert refused >= 99


def test_a_png_whose_end_was_never_written_is_refused() -> None:
    """As downloads leave it that reserve the whole file first: the right length, and zeros from the middle on."""
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(stream, "PNG")
    whole = stream.getvalue()
    assert decode(whole, (64, 64)).shape == (3, 64, 64)
    half = whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2)
    with pytest.raises(UndecodableError, match="checksum"):
        decode(half, (64, 64))


def test_a_large_jpeg_cut_short_is_refused_though_it_is_shrunk_early() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (300, 400), dtype=np.uint8)
    data = encode(Image.fromarray(noise), "JPEG")
    for missing in (2, 10, 1000, len(data) // 2):
        assert reason(data[:-missing], 10**6) == "it is truncated: the file ends before the picture does"


def test_reasons_say_what_is_wrong(tmp_path: Path) -> None:
    empty, text, folder, raw = (tmp_path / name for name in ("empty.png", "text.jpg", "folder.png", "raw.nef"))
    empty.touch()
    text.write_text("this is no image at all")
    folder.mkdir()
    raw.write_bytes(tiff(COLOR))
    dangling, pipe = tmp_path / "link.png", tmp_path / "pipe.png"
    dangling.symlink_to(tmp_path / "gone.png")
    os.mkfifo(pipe)
    assert reason(empty) == reason(b"") == "it is empty (0 bytes)"
    assert reason(text) == "it is text, not an image"
    assert reason(folder) == "it is a folder, not an image file"
    assert reason(raw) == "it is a camera's raw file, which Ilk does not read; convert it to JPEG"
    assert reason(dangling) == "it is a link to a file that is not there"
    assert reason(pipe) == "it is not a regular file"
    assert reason(None) == "there is no image in this row"
    assert reason(tmp_path / "never there.png") == "it cannot be read: No such file or directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(encode(Image.fromarray(COLOR), "PNG"))
    (tmp_path / "secret.png").chmod(0)
    assert reason(tmp_path / "secret.png") == "it cannot be read: Permission denied"


def test_too_many_pixels_are_refused_by_the_header_alone() -> None:
    data = encode(Image.new("L", (200, 100)), "PNG")
    allowed = "it has 200 x 100 pixels, more than `max_pixels` 19,999 allows"
    assert reason(data[:60], max_pixels=19_999) == allowed
    with pytest.raises(UndecodableError, match="200 x 100"):
        read_header(data, 19_999)
    assert read_header(data, 20_000).width == 200


def test_a_picture_beyond_the_decoders_own_limit_is_refused_in_the_same_words() -> None:
    data = png(b"", 30_000, 30_000, 1, 0)
    assert reason(data, 100_000_000) == "it has more pixels than `max_pixels` 100,000,000 allows"
    assert reason(data, 10**10) == f"it has more pixels than the {MOST_PIXELS:,} that can be decoded"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of memory is read from /proc")
@pytest.mark.parametrize(
    "name", ["huge PNG", "PNG with a swollen text", "PNG with a swollen profile", "huge GIF", "huge TIFF strip"]
)
def test_a_bomb_costs_no_memory(name: str) -> None:
    swollen, line = zlib.compress(bytes(100_000_000), 1), bytes(2)
    bomb = {
        "huge PNG": lambda: png(bytes(1750 * 12_640), 14_000, 12_640, 1, 0),
        "PNG with a swollen text": lambda: png(line, 16, 1, 1, 0, zTXt=b"Comment\0\0" + swollen),
        "PNG with a swollen profile": lambda: png(line, 16, 1, 1, 0, iCCP=b"ICC\0\0" + swollen),
        "huge GIF": lambda: b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b",",
        "huge TIFF strip": lambda: tiff(COLOR, claimed=(60_000, 60_000)),
    }[name]()
    before = peak_megabytes(start=True)
    assert reason(bomb, 100_000_000)
    assert peak_megabytes() - before < 40


def peak_megabytes(start: bool = False) -> float:
    """The most memory since `start`, in MB."""
    if start:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def test_numbers_without_a_known_range_are_refused() -> None:
    assert "floating-point" in reason(encode(Image.fromarray(np.ones((2, 2), dtype=np.float32)), "TIFF"))
    assert "32-bit" in reason(encode(Image.fromarray(np.full((2, 2), -5, dtype=np.int32)), "TIFF"))


def test_a_pillow_image_of_the_caller_stays_open_and_as_it_was() -> None:
    image = Image.open(io.BytesIO(encode(Image.new("RGB", (640, 640), "red"), "JPEG")))
    decode(image, (8, 8))
    assert image.size == (640, 640)
    assert image.getpixel((0, 0))[0] > 250
    image.close()
