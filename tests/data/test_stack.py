"""Many images to one array: order, size, channels, what is left out, progress, and what is kept in memory."""

from __future__ import annotations

import io
import os
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ilk.data.decoding import decode
from ilk.data.source_parts import Picture, Rows
from ilk.data.stack import assemble
from ilk.errors import ChannelsError, UsageError

RNG_IMAGES = np.random.default_rng(0).integers(0, 256, (60, 20, 24, 3), dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def rows_of(pictures: list[Picture] | np.ndarray, first: int = 0) -> Rows:
    names = [f"{number}.png" for number in range(first, first + len(pictures))]
    return Rows(names, [f"c{number % 2}" for number in range(len(pictures))], pictures)


def test_every_image_is_where_the_plain_loop_puts_it_and_the_rest_is_named() -> None:
    pictures: list[Picture] = [png(pixels) for pixels in RNG_IMAGES]
    for broken, content in ((0, b""), (7, b"<html>"), (8, None), (59, pictures[59][:200])):
        pictures[broken] = content
    dataset = assemble([rows_of(pictures)], source="here")
    used = [row for row in range(60) if row not in (0, 7, 8, 59)]
    expected = np.stack([decode(pictures[row], (28, 28)) for row in used])
    assert np.array_equal(dataset.images, expected)
    assert dataset.names == tuple(f"{row}.png" for row in used)
    assert dataset.targets.tolist() == [row % 2 for row in used]
    assert [one.file for one in dataset.skipped] == ["0.png", "7.png", "8.png", "59.png"]
    assert [one.reason.split(",")[0] for one in dataset.skipped] == [
        "it is empty (0 bytes)",
        "it is HTML",
        "there is no image in this row",
        "it is truncated: the file ends before the picture does",
    ]


@pytest.mark.parametrize("colored", [None, 0, 13, 39])
def test_gray_until_the_first_color_image_wherever_it_comes(colored: int | None) -> None:
    pictures: list[Picture] = [png(pixels[..., 0]) for pixels in RNG_IMAGES[:40]]
    if colored is not None:
        pictures[colored] = png(RNG_IMAGES[colored])
    dataset = assemble([rows_of(pictures)], source="here", size=(20, 24))
    assert dataset.images.shape == (40, 1 if colored is None else 3, 20, 24)
    for row, image in enumerate(dataset.images):
        own = RNG_IMAGES[row].transpose(2, 0, 1)
        assert np.array_equal(image, own if row == colored else own[:1].repeat(len(image), 0)), row
    assert np.flatnonzero(~dataset.gray).tolist() == ([] if colored is None else [colored])


def test_a_color_image_that_does_not_decode_leaves_the_rest_gray() -> None:
    dataset = assemble([rows_of([png(RNG_IMAGES[0])[:300], png(RNG_IMAGES[1][..., 0])])], source="here")
    assert dataset.images.shape == (1, 1, 28, 28)


def test_one_channel_refuses_color_by_name_and_three_repeat_gray() -> None:
    pictures: list[Picture] = [png(RNG_IMAGES[0][..., 0]), png(RNG_IMAGES[1])]
    with pytest.raises(ChannelsError, match=r"here: 1\.png is a color image, and gray ones are needed"):
        assemble([rows_of(pictures)], source="here", channels=1)
    three = assemble([rows_of(pictures[:1])], source="here", channels=3, size=(20, 24))
    assert np.array_equal(three.images[0], np.repeat(RNG_IMAGES[:1, ..., 0], 3, 0))
    with pytest.raises(UsageError, match="channels 2"):
        assemble([rows_of(pictures)], source="here", channels=2)


@pytest.mark.parametrize(
    ("sides", "expected"), [([28, 28, 90], 28), ([28, 29, 29], 32), ([4], 28), ([200], 32), ([], 32)]
)
def test_the_size_suits_the_median_longer_side(sides: list[int], expected: int) -> None:
    pictures: list[Picture] = [png(np.zeros((side, 3), dtype=np.uint8)) for side in sides]
    assert assemble([rows_of([*pictures, b""])], source="here").images.shape[2:] == (expected, expected)


def test_the_sample_for_the_size_covers_the_whole_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ilk.data.stack._SAMPLE", 10)
    small, large = png(np.zeros((9, 9), dtype=np.uint8)), png(np.zeros((40, 40), dtype=np.uint8))
    assert assemble([rows_of([small] * 100 + [large] * 200)], source="here", pixels=False).images.shape[2:] == (
        32,
        32,
    )
    assert assemble([rows_of([large] * 100 + [small] * 200)], source="here", pixels=False).images.shape[2:] == (
        28,
        28,
    )


def test_parts_are_joined_whatever_they_hold() -> None:
    array = np.ascontiguousarray(RNG_IMAGES[:3].transpose(0, 3, 1, 2))
    smaller = np.ascontiguousarray(array[:, :1, :10, :12])
    dataset = assemble(
        [rows_of(array), rows_of([png(RNG_IMAGES[5])], 3), rows_of(smaller, 4)], source="here", size=(20, 24)
    )
    assert np.array_equal(dataset.images[:3], array)
    assert np.array_equal(dataset.images[3], RNG_IMAGES[5].transpose(2, 0, 1))
    assert dataset.images.shape == (7, 3, 20, 24)
    assert dataset.gray.tolist() == [False] * 4 + [True] * 3


def test_an_array_of_the_right_size_is_not_copied() -> None:
    array = np.ascontiguousarray(RNG_IMAGES.transpose(0, 3, 1, 2))
    assert assemble([rows_of(array)], source="here", size=(20, 24)).images is array


def test_without_pixels_the_account_is_the_same_and_the_images_take_no_memory() -> None:
    pictures: list[Picture] = [png(pixels) for pixels in RNG_IMAGES]
    pictures[5], pictures[9] = b"", png(RNG_IMAGES[9])[:400]
    kept, bare = (assemble([rows_of(pictures)], source="here", pixels=pixels) for pixels in (True, False))
    assert (bare.names, bare.skipped, bare.classes) == (kept.names, kept.skipped, kept.classes)
    assert np.array_equal(bare.targets, kept.targets)
    assert np.array_equal(bare.gray, kept.gray)
    assert bare.images.shape == kept.images.shape
    assert bare.images.strides == (0, 0, 0, 0)
    assert not bare.images.any()


def test_only_a_few_encoded_images_are_held_at_a_time() -> None:
    """What a reader has handed out and nobody has finished with stays far below the whole."""
    out: list[int] = []
    finished = 0

    class Stream:
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(1500):
                out.append(len(out) + 1 - finished)
                yield data

    def count(done: int, _: int) -> None:
        nonlocal finished
        finished = done

    data = png(RNG_IMAGES[0])
    names = [str(number) for number in range(1500)]
    rows = Rows(names, [None] * 1500, Stream())
    dataset = assemble([rows], source="here", size=8, pixels=False, on_progress=count)
    assert len(dataset) == 1500
    assert max(out) < 200 * (os.cpu_count() or 1)


def test_labels_of_skipped_images_are_not_lost_in_silence() -> None:
    rows = Rows(["a", "b", "c"], ["cat", "dog", None], [np.zeros((4, 4), dtype=np.uint8), b"", b""])
    assert assemble([rows], source="pets").notes == (
        "Labels of skipped images, which are of no use: 1. Classes that have no other label: dog.",
    )
    sound = Rows(["a", "b"], ["cat", None], [np.zeros((4, 4), dtype=np.uint8), b""])
    assert assemble([sound], source="pets").notes == ()


def test_progress_rises_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    assemble([rows_of([png(RNG_IMAGES[0])] * 50)], source="here", on_progress=lambda *step: told.append(step))
    done = [step[0] for step in told]
    assert done == sorted(done)
    assert told[-1] == (50, 50)
    assert len(told) > 5
    assert {total for _, total in told} == {50}


def test_a_file_that_changes_under_us_is_skipped_or_taken_as_it_is_now(tmp_path: Path) -> None:
    """Between the look at the headers and the reading, which an order of progress makes certain here."""
    paths: list[Picture] = [tmp_path / f"{number:03}.png" for number in range(400)]
    for path in paths:
        path.write_bytes(png(RNG_IMAGES[0][..., 0]))

    def change(done: int, _: int) -> None:
        if done == 0:
            paths[397].unlink()
            paths[398].write_bytes(png(RNG_IMAGES[1]))
            paths[399].write_bytes(png(np.zeros((300, 300), dtype=np.uint8)))

    dataset = assemble([rows_of(paths)], source="here", max_pixels=10_000, on_progress=change)
    assert [one.reason.split(",")[0] for one in dataset.skipped] == [
        "it cannot be read: No such file or directory",
        "it has 300 x 300 pixels",
    ]
    assert dataset.images.shape == (398, 3, 28, 28)


def test_only_pillows_warnings_are_silenced() -> None:
    def warn(*_: int) -> None:
        if threading.current_thread() is threading.main_thread():
            warnings.warn("mine", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="mine"):
        assemble([rows_of([png(RNG_IMAGES[0])])], source="here", on_progress=warn)
    entry = Image.new("P", (2, 1))
    stream = io.BytesIO()
    entry.putpalette([1, 2, 3, 4, 5, 6])
    entry.save(stream, "PNG", transparency=b"\0\xff")  # Pillow warns on converting it
    assert len(assemble([rows_of([stream.getvalue()])], source="here")) == 1


def test_an_interruption_does_not_wait_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[object] = []
    taken: list[bytes] = []

    def slow(picture: object, *_: object) -> np.ndarray:
        time.sleep(0.01)
        decoded.append(picture)
        return np.zeros((1, 8, 8), dtype=np.uint8)

    class Stream:
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(100_000):
                taken.append(b"image")
                yield taken[-1]

    def interrupt(done: int, _: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ilk.data.stack.decode", slow)
    rows = Rows([str(number) for number in range(100_000)], [None] * 100_000, Stream())
    with pytest.raises(KeyboardInterrupt):
        assemble([rows], source="here", size=8, on_progress=interrupt)
    assert len(decoded) < len(taken) < 1000
