"""Large images wait for one another, and each form is charged for what its decoder takes."""

from __future__ import annotations

import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from ilk.data.decode_memory import LARGE_IMAGE, MemoryBudget, coefficients, memory_needed, most_memory
from tests.data.seeds import encoded, exif
from tests.data.written import tiff


def test_no_more_is_under_way_than_there_is_room_for() -> None:
    room, under_way, most = MemoryBudget(10), [], []

    def work(need: int) -> None:
        with room.taken(need):
            under_way.append(need)
            most.append(sum(under_way))
            time.sleep(0.002)
            under_way.remove(need)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [4, 3, 6, 10, 1, 2, 7, 5] * 4))
    assert max(most) <= 10
    assert len(most) == 32
    assert max(most) > 7  # small ones do go together


def test_one_larger_than_the_room_goes_alone_and_a_failure_gives_the_room_back() -> None:
    room, order = MemoryBudget(10), []

    def large() -> None:
        with room.taken(99):
            order.append("large")

    def small() -> None:
        with room.taken(3):
            thread.start()
            thread.join(0.05)
            order.append("small")
            raise ZeroDivisionError

    thread = threading.Thread(target=large)
    with pytest.raises(ZeroDivisionError):
        small()
    thread.join()
    assert order == ["small", "large"]


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_what_each_form_takes_of_memory() -> None:
    """Bytes per pixel, as measured at a hundred million pixels: within 5% of what the process took."""
    color, clear = Image.new("RGB", (100, 50)), Image.new("RGBA", (100, 50))
    pixels = np.zeros((50, 100, 3), np.uint8)
    for data, each in (
        (encoded(color, "PNG"), 4),
        (encoded(color.convert("L"), "PNG"), 1),
        (encoded(clear, "PNG"), 4 + 9),  # flattened as a whole
        (encoded(color, "WEBP", lossless=True), 16),
        (tiff(pixels), 4),
        (encoded(color, "TIFF", compression="tiff_adobe_deflate"), 4 + 3),
        (encoded(color, "TIFF", exif=exif(orientation=6)), 2 * 4),
    ):
        with opened(data) as image:
            assert memory_needed(image) == each * 5000
    with opened(encoded(color, "JPEG", progressive=True)) as image:
        assert coefficients(image) == 6 * 5000
    with opened(encoded(color, "JPEG")) as image:
        assert coefficients(image) == 0
    side = round(LARGE_IMAGE**0.5) + 1
    with opened(encoded(Image.new("RGBA", (side, side)), "PNG")) as image:
        assert memory_needed(image) == 4 * side * side  # flattened piece by piece


def test_small_images_are_never_too_much() -> None:
    assert most_memory(1) == most_memory(10_000_000) == 64_000_000
    assert most_memory(100_000_000) == 500_000_000
