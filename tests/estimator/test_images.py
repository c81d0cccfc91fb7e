"""X in every form, and an error for every image that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ilk.errors import DataError, ShapeError, UsageError
from ilk.estimator.images import countable, images_of, rows_of

GRAY = np.random.default_rng(0).integers(0, 256, (7, 28, 28), dtype=np.uint8)


def read(X: object) -> np.ndarray:
    return images_of(X, size=None, max_pixels=10**6).images


def test_every_form_gives_the_same_images_and_rows(tmp_path: Path) -> None:
    paths = [tmp_path / f"{row}.png" for row in range(len(GRAY))]
    for path, image in zip(paths, GRAY, strict=True):
        Image.fromarray(image).save(path)
    texts = [str(path) for path in paths]
    pictures = [Image.fromarray(image) for image in GRAY]
    objects = np.array(paths, dtype=object)
    forms = [
        GRAY,
        GRAY[..., None],
        torch.from_numpy(GRAY),
        list(GRAY),
        pictures,
        paths,
        texts,
        np.array(texts),
        objects,
    ]
    for X in [*forms, (image for image in GRAY), tuple(paths)]:
        held = countable(X)
        assert np.array_equal(read(rows_of(held, [4, 2]))[:, 0], GRAY[[4, 2]])
        assert np.array_equal(read(held)[:, 0], GRAY)


def test_images_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    bad = [tmp_path / f"bad{number}.png" for number in range(7)]
    for path in bad[1:]:
        path.write_text("no image")
    with pytest.raises(
        DataError, match=r"7 of 8 images in X cannot be used: .*bad0\.png \(.*bad4\.png.*; …\. Repair"
    ) as caught:
        read([*bad, GRAY[0]])
    assert "bad5" not in str(caught.value)


def test_large_images_are_refused() -> None:
    with pytest.raises(DataError, match=r"1 of 2 images in X cannot be used: #1 \("):
        images_of([GRAY[0], np.zeros((100, 100), np.uint8)], size=None, max_pixels=28 * 28)


@pytest.mark.parametrize("X", [np.zeros((5, 64)), np.zeros((5, 64), np.uint8), [[0.5, 0.5]] * 3])
def test_a_table_is_no_image(X: object) -> None:
    with pytest.raises((ShapeError, UsageError), match="Allowed"):
        read(X)


@pytest.mark.parametrize("X", ["a.png", Path("a.png"), Image.new("L", (9, 9)), 3, None])
def test_a_single_thing_is_no_list(X: object) -> None:
    with pytest.raises(UsageError, match="single"):
        read(X)
