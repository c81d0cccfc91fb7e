"""Fingerprints follow the pixels alone; blocks are the array, whatever its layout."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from ilk.data.fingerprints import BLOCK, contiguous_blocks, fingerprints


def test_equal_pixels_have_equal_fingerprints() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 1, 3, 3), dtype=np.uint8)
    images[4] = images[1]
    prints = fingerprints(images)
    assert prints[4] == prints[1]
    assert len(set(prints)) == 4
    assert all(len(one) == 16 and int(one, 16) >= 0 for one in prints)
    assert fingerprints(np.asfortranarray(images)) == prints


@pytest.mark.parametrize("count", [0, 1, BLOCK, 2 * BLOCK + 3])
@pytest.mark.parametrize("transposed", [False, True])
def test_the_blocks_hash_like_the_whole_array(count: int, transposed: bool) -> None:
    images = np.random.default_rng(0).integers(0, 256, (count, 2, 3, 4), dtype=np.uint8)
    if transposed:
        images = images.transpose(0, 2, 3, 1)
    digest = hashlib.sha256()
    sizes = []
    for block in contiguous_blocks(images):
        digest.update(block.data)
        sizes.append(len(block))
    assert digest.hexdigest() == hashlib.sha256(images.tobytes()).hexdigest()
    assert max(sizes, default=0) <= BLOCK
