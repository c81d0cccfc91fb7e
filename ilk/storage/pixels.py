"""The labeled images of a run at the size of its training, for comparisons by pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ilk.errors import ModelError
from ilk.shapes import Pixels
from ilk.storage.files import write_bytes

LARGEST = 1 << 30
"""Bytes of images beyond which none are kept."""


def write_pixels(path: Path, images: Pixels) -> bool:
    """Keep the images, shape (images, channels, height, width); False where they are too large to keep (1 GiB)."""
    from safetensors.numpy import save

    if images.nbytes > LARGEST:
        return False
    write_bytes(path, save({"images": np.ascontiguousarray(images)}))
    return True


def read_pixels(path: Path) -> Pixels | None:
    """The images that `write_pixels()` kept, or None where it kept none.

    Raises:
        ModelError: the file is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not path.exists():
        return None
    try:
        images: Pixels = load_file(path)["images"]
    except (SafetensorError, KeyError, OSError) as error:
        raise ModelError(f"{path} is damaged: {error}. Fit the run again.") from error
    return images
