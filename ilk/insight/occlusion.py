"""Occlusion: the answer to an image as a gray square slides over it, place by place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from torch import nn

from ilk.errors import UsageError
from ilk.neighbors import NeighborClassifier
from ilk.networks import embed

COVER_GRAY = 128
"""What the network sees as 0."""


@dataclass(frozen=True)
class Occlusion:
    """What each place of a square did to the answer and to the point, and the same for each pixel.

    Args:
        label: the class whose probability is watched, by number.
        probability: of that class, with nothing covered; 0 to 1.
        drop: shape (rows, columns), how much of that probability is lost for each place; −1 to 1.
        moved: shape (rows, columns), how far the point moves, Euclidean, in the unit of the embedding.
        drop_of_pixel: shape (height, width), the mean of `drop` over the places that cover the pixel.
        moved_of_pixel: shape (height, width), likewise.
        side: of the square, in pixels.
        tops: the first row of the square at each place.
        lefts: its first column.
    """

    label: int
    probability: float
    drop: Float[np.ndarray, "rows columns"]
    moved: Float[np.ndarray, "rows columns"]
    drop_of_pixel: Float[np.ndarray, "height width"]
    moved_of_pixel: Float[np.ndarray, "height width"]
    side: int
    tops: tuple[int, ...]
    lefts: tuple[int, ...]


def occlude(
    network: nn.Module,
    classifier: NeighborClassifier,
    image: UInt8[np.ndarray, "channels height width"],
    *,
    label: int | None = None,
    side: int | None = None,
    stride: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Occlusion:
    """Slide a gray square over an image and watch the probability of one class and the point.

    Cost: one pass of the network for each place, 15 × 15 of them unless said.

    Args:
        network: images to points; used in evaluation mode.
        classifier: over points of this network.
        image: uint8, 0 to 255.
        label: the class to watch, by number; None for the answer to the whole image.
        side: of the square in pixels; None for a fifth of the shorter side of the image.
        stride: pixels from place to place; None for what gives about 15 places on the longer side.
        on_progress: called with (done, total).
    Raises:
        UsageError: a square larger than the image, a stride that leaves pixels uncovered, or no such class.
    Source:
        Zeiler & Fergus 2013, arXiv:1311.2901, figure 7. Differs: the probability is that of the neighbors, eq. 1 of
        Hoffer & Ailon 2016; the point's move stands in for the map of the strongest unit.
    """
    height, width = image.shape[1:]
    side = max(2, round(min(height, width) / 5)) if side is None else side
    stride = max(1, min(side, round((max(height, width) - side) / 14))) if stride is None else stride
    if not 1 <= side <= min(height, width) or not 1 <= stride <= side:
        raise UsageError(
            f"A square of {side} pixels at every {stride} cannot slide over {height}×{width}. "
            f"Allowed: a side from 1 to {min(height, width)}, and a stride from 1 to the side."
        )
    if label is not None and not 0 <= label < classifier.classes:
        raise UsageError(f"There is no class number {label}. Allowed: 0 to {classifier.classes - 1}.")
    tops, lefts = _square_places(height, side, stride), _square_places(width, side, stride)
    covered = np.repeat(image[None], len(tops) * len(lefts) + 1, axis=0)
    for i, (top, left) in enumerate([(top, left) for top in tops for left in lefts]):
        covered[i, :, top : top + side, left : left + side] = COVER_GRAY
    points = embed(network, covered, on_progress=on_progress)  # the last is the image itself
    answers = classifier.predict(points)
    label = int(answers.label[-1]) if label is None else label
    probability = answers.probabilities[:, label].astype(np.float64)
    shape = (len(tops), len(lefts))
    drop = (probability[-1] - probability[:-1]).reshape(shape)
    moved = np.linalg.norm(points[:-1].astype(np.float64) - points[-1], axis=1).reshape(shape)
    return Occlusion(
        label=label,
        probability=float(probability[-1]),
        drop=drop,
        moved=moved,
        drop_of_pixel=_mean_over_squares(drop, tops, lefts, side, (height, width)),
        moved_of_pixel=_mean_over_squares(moved, tops, lefts, side, (height, width)),
        side=side,
        tops=tops,
        lefts=lefts,
    )


def _square_places(length: int, side: int, stride: int) -> tuple[int, ...]:
    """Every `stride` pixels from 0, and the last place that fits."""
    return tuple(sorted({*range(0, length - side + 1, stride), length - side}))


def _mean_over_squares(
    values: np.ndarray, tops: tuple[int, ...], lefts: tuple[int, ...], side: int, shape: tuple[int, int]
) -> np.ndarray:
    total, covered = np.zeros(shape), np.zeros(shape)
    for row, top in enumerate(tops):
        for column, left in enumerate(lefts):
            square = np.s_[top : top + side, left : left + side]
            total[square] += values[row, column]
            covered[square] += 1
    return total / covered
