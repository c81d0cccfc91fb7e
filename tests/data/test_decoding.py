"""One image at a time: what is read right, and what is refused with which reason."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ilk.data.decoding import UndecodableError, decode, read_header

RAMP = np.arange(12 * 16, dtype=np.uint8).reshape(12, 16)
COLOR = np.stack([RAMP, 255 - RAMP, RAMP // 2], axis=2)


def encode(image: Image.Image, form: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def reason(picture: object, max_pixels: int = 10_000) -> str:
    try:
        read_header(picture, max_pixels)
        decode(picture, (12, 16))
    except UndecodableError as error:
        return str(error)
    pytest.fail("it was decoded")


@pytest.mark.parametrize(("form", "options"), [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_lossless_forms_keep_every_pixel_at_their_own_size(form: str, options: dict) -> None:
    data = encode(Image.fromarray(COLOR), form, **options)
    assert np.array_equal(decode(data, (12, 16)), COLOR.transpose(2, 0, 1))
    header = read_header(data, 10_000)
    assert (header.height, header.width, header.gray) == (12, 16, False)


@pytest.mark.parametrize("form", ["JPEG", "GIF"])
def test_lossy_forms_come_close(form: str) -> None:
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    decoded = decode(encode(Image.fromarray(smooth), form), (64, 64))
    assert np.abs(decoded[0].astype(int) - smooth).max() < 8


def test_sixteen_bits_are_rounded_to_eight() -> None:
    deep = np.array([[0, 128, 129, 257, 65535]], dtype=np.uint16)
    assert decode(encode(Image.fromarray(deep), "PNG"), (1, 5)).tolist() == [[[0, 0, 1, 1, 255]]]
    assert decode(encode(Image.fromarray(deep), "TIFF"), (1, 5)).tolist() == [[[0, 0, 1, 1, 255]]]


def test_black_and_white_becomes_0_and_255() -> None:
    bits = Image.fromarray(np.array([[0, 255, 255]], dtype=np.uint8)).convert("1")
    assert read_header(encode(bits, "PNG"), 10).gray
    assert decode(encode(bits, "PNG"), (1, 3)).tolist() == [[[0, 255, 255]]]


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_pixels_turn_white_and_half_transparent_ones_half(mode: str) -> None:
    image = Image.new("LA", (3, 1))
    for x, alpha in enumerate((0, 128, 255)):
        image.putpixel((x, 0), (100, alpha))
    decoded = decode(encode(image.convert(mode), "PNG"), (1, 3))
    assert len(decoded) == {"LA": 1, "RGBA": 3}[mode]
    assert np.abs(decoded.astype(int) - [[[255, 177, 100]]]).max() <= 1


def test_palette_with_a_transparent_entry() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    data = encode(image, "PNG", transparency=1)
    assert decode(data, (1, 2))[:, 0].T.tolist() == [[10, 20, 30], [255, 255, 255]]


def test_cmyk_becomes_rgb() -> None:
    decoded = decode(encode(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95), (8, 8))
    assert decoded.shape == (3, 8, 8)
    assert decoded[0].min() > 245
    assert decoded[1:].max() < 10


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


def test_shrinking_averages_and_a_jpeg_shrunk_early_agrees() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256), dtype=np.uint8)
    image = Image.fromarray(noise)
    small = decode(encode(image, "PNG"), (16, 16))[0].astype(float)
    blocks = noise.reshape(16, 16, 16, 16).mean(axis=(1, 3))
    assert np.abs(small - 127.5).mean() < 12  # one noise pixel picked from each block would be 64 away
    assert np.corrcoef(small.ravel(), blocks.ravel())[0, 1] > 0.8
    early = decode(encode(image, "JPEG", quality=95), (16, 16))[0]
    assert np.corrcoef(small.ravel(), early.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_a_truncated_image_is_refused(form: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), form)
    assert reason(data[: int(len(data) * 0.6)])


def test_reasons_say_what_is_wrong(tmp_path: Path) -> None:
    empty, text, folder = tmp_path / "empty.png", tmp_path / "text.jpg", tmp_path / "folder.png"
    empty.touch()
    text.write_text("this is no image at all")
    folder.mkdir()
    dangling, pipe = tmp_path / "link.png", tmp_path / "pipe.png"
    dangling.symlink_to(tmp_path / "gone.png")
    os.mkfifo(pipe)
    assert "empty" in reason(empty)
    assert "empty" in reason(b"")
    assert "not a readable JPEG" in reason(text)
    assert "folder" in reason(folder)
    assert "link" in reason(dangling)
    assert "not a regular file" in reason(pipe)
    assert "no image in this row" in reason(None)
    assert "cannot be read" in reason(tmp_path / "never there.png")


def test_too_many_pixels_are_refused_by_the_header_alone() -> None:
    data = encode(Image.new("L", (200, 100)), "PNG")
    assert "200 x 100" in reason(data[:60], max_pixels=19_999)
    assert read_header(data, 20_000).width == 200


def test_numbers_without_a_known_range_are_refused() -> None:
    assert "floating-point" in reason(encode(Image.fromarray(np.ones((2, 2), dtype=np.float32)), "TIFF"))
    assert "32-bit" in reason(encode(Image.fromarray(np.full((2, 2), -5, dtype=np.int32)), "TIFF"))


def test_a_pillow_image_of_the_caller_stays_open_and_as_it_was() -> None:
    image = Image.open(io.BytesIO(encode(Image.new("RGB", (640, 640), "red"), "JPEG")))
    decode(image, (8, 8))
    assert image.size == (640, 640)
    assert image.getpixel((0, 0))[0] > 250
    image.close()
