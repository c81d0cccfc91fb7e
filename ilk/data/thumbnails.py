"""An image as a person would look at it: from its own file, upright, in its own proportions."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8
from PIL.Image import Resampling

from ilk.data.dataset import Dataset
from ilk.data.decoding import decode_to_fit, quiet
from ilk.data.file_checks import UndecodableError
from ilk.data.source_parts import Picture
from ilk.errors import UsageError

View = UInt8[np.ndarray, "channels height width"]
"""One picture, 0 to 255; channels is 1 (gray) or 3 (RGB)."""


def picture_of(dataset: Dataset, position: int, side: int) -> View:
    """One image of a dataset to look at; not square, and larger than what the network sees where its file is larger.

    It is read anew from its file. Where there is no such file (arrays, archives, a file that is gone or damaged
    since), the dataset's own pixels stand in. Nothing is enlarged.

    Args:
        dataset: where the image is.
        position: its position, from 0.
        side: the most pixels that its longer side may have, from 1.
    Returns:
        shape (channels, height, width), uint8; 1 channel if the image is gray by its mode, else 3 (RGB).
    Raises:
        UsageError: `side` is less than 1.
    """
    if side < 1:
        raise UsageError(f"side {side} cannot be. Allowed: a whole number of pixels from 1.")

    def fit(width: float, height: float) -> tuple[int, int]:
        scale = min(1.0, side / max(width, height))
        return max(1, round(width * scale)), max(1, round(height * scale))

    def view(picture: Picture) -> View:
        pixels = np.array(decode_to_fit(picture, fit, 2 * side, Resampling.LANCZOS))
        return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))

    if dataset.root is not None:
        try:
            with quiet():
                return view(dataset.root / dataset.names[position])
        except UndecodableError:
            pass
    return view(dataset.images[position].transpose(1, 2, 0))
