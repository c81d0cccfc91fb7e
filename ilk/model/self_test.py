"""Self-test: five synthetic images and the answers stored with the model, and the check that they are still given."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
from torch import nn

from ilk.errors import ModelError
from ilk.model.bundle import SelfTest
from ilk.neighbors import NeighborClassifier
from ilk.networks import embed
from ilk.shapes import Pixels, Targets, Vectors

SEED = 1611
GRIDS = (2, 4, 8, 16, 32)
"""Squares along a side of each image: from coarse to fine."""
TOLERANCE = 1e-4
"""How far a number of an embedding may lie from the saved one, as a fraction of the embeddings' root mean square."""


def self_test_images(channels: int, size: tuple[int, int]) -> Pixels:
    """Five images of squares in random shades, shape (5, channels, height, width); the same at every call."""
    generator = np.random.default_rng(SEED)
    rows, columns = (np.arange(side)[None] * np.array(GRIDS)[:, None] // side for side in size)
    shades = [generator.integers(0, 256, (channels, grid, grid), dtype=np.uint8) for grid in GRIDS]
    return np.stack([grid[:, row[:, None], column] for grid, row, column in zip(shades, rows, columns, strict=True)])


def self_test_of(network: nn.Module, classifier: NeighborClassifier, channels: int, size: tuple[int, int]) -> SelfTest:
    """What the model answers to `self_test_images()`, on the CPU, where every reader can repeat it."""
    images = self_test_images(channels, size)
    on_cpu = all(tensor.device.type == "cpu" for tensor in network.state_dict().values())
    points = embed(network if on_cpu else deepcopy(network).cpu(), images)
    answers = classifier.predict(points, neighbors=1)
    return SelfTest(images, points, answers.label, answers.confidence, answers.neighbors[:, 0])


def run_self_test(network: nn.Module, classifier: NeighborClassifier, test: SelfTest) -> float:
    """Answer to the images of the self-test again and compare with the stored answers; network on the CPU.

    Returns:
        the greatest deviation of the points, as a fraction of their root mean square.
    Raises:
        ModelError: a point is off by more than `TOLERANCE`, or an answer is another.
    """
    points = embed(network, test.images)
    deviation = compare(classifier, points, test.embeddings, test.nearest, "its self-test images")
    # From the saved points, so that rounding in the network cannot tip a vote.
    answers = classifier.predict(test.embeddings, neighbors=1)
    if not (answers.label == test.labels).all() or abs(answers.confidence - test.confidence).max() > TOLERANCE:
        raise ModelError("The model names its self-test images otherwise than when it was saved. Copy or fit it again.")
    return deviation


def compare(classifier: NeighborClassifier, points: Vectors, expected: Vectors, nearest: Targets, images: str) -> float:
    """How far points lie from the expected ones, as a fraction of the root mean square of those.

    Args:
        classifier: over the labeled images.
        points: shape (n, dim).
        expected: shape (n, dim).
        nearest: shape (n,), the position of the labeled image nearest to each expected point.
        images: what they are points of, for the message.
    Raises:
        ModelError: a number is off by more than `TOLERANCE`, or another labeled image is nearest by more than that.
    """
    scale = float(np.sqrt(np.mean(np.square(expected, dtype=np.float64)))) or 1.0
    deviation = float(np.abs(points.astype(np.float64) - expected).max()) / scale
    if not deviation <= TOLERANCE:
        raise ModelError(
            f"The model answers otherwise to {images} than when it was saved: its points are off by {deviation:.1e} "
            f"of their root mean square, and {TOLERANCE:g} is allowed. Copy or fit it again."
        )
    best = classifier.predict(points, neighbors=1).distances[:, 0]
    saved = np.linalg.norm(classifier.points[nearest].astype(np.float64) - points, axis=1)
    if (saved - best > TOLERANCE * scale).any():
        raise ModelError(f"The model finds other labeled images nearest to {images} than when it was saved.")
    return deviation
