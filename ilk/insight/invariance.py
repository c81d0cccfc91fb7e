"""Invariance: how the embedding and the answer of an image change as it is shifted, scaled and rotated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import nn
from torch.nn import functional as F

from ilk.errors import UsageError
from ilk.neighbors import NeighborClassifier
from ilk.networks import embed
from ilk.shapes import Pixels

CHANGES = {"shift right": "px", "shift down": "px", "scale": "×", "rotation": "°"}
"""Ways to change an image, and their units; a rotation is counterclockwise, a scale above 1 enlarges."""


@dataclass(frozen=True)
class InvarianceCurve:
    """One way to change an image, and what came of it.

    Args:
        kind: a name of `CHANGES`.
        amounts: shape (n,), in its unit, ascending.
        moved: shape (n,), Euclidean distance of the point from that of the image unchanged, unit of the embedding.
        probability: shape (n,), of the watched class, 0 to 1.
    """

    kind: str
    amounts: Float[np.ndarray, "n"]
    moved: Float[np.ndarray, "n"]
    probability: Float[np.ndarray, "n"]


def invariance(
    network: nn.Module,
    classifier: NeighborClassifier,
    image: UInt8[np.ndarray, "channels height width"],
    *,
    label: int | None = None,
) -> list[InvarianceCurve]:
    """Four curves: shifted along both axes by up to a third of its side, scaled by 1/2 to 2, rotated all the way round.

    What comes into view at the border is the border repeated. Cost: 25 passes of the network for each curve.

    Args:
        network: images to points; used in evaluation mode.
        classifier: over points of this network.
        image: uint8, 0 to 255.
        label: the class to watch, by number; None for the answer to the image unchanged.
    Raises:
        UsageError: no such class.
    Source:
        Zeiler & Fergus 2013, arXiv:1311.2901, figure 5. Differs: the embedding in place of the first and seventh layer.
    """
    if label is not None and not 0 <= label < classifier.classes:
        raise UsageError(f"There is no class number {label}. Allowed: 0 to {classifier.classes - 1}.")
    own = embed(network, image[None])
    label = int(classifier.predict(own).label[0]) if label is None else label
    curves = []
    for kind, amounts in _amounts(image.shape[1], image.shape[2]).items():
        points = embed(network, transform_image(image, kind, amounts))
        moved = np.linalg.norm(points.astype(np.float64) - own, axis=1)
        probability = classifier.predict(points).probabilities[:, label].astype(np.float64)
        curves.append(InvarianceCurve(kind, amounts, moved, probability))
    return curves


def transform_image(image: UInt8[np.ndarray, "channels height width"], kind: str, amounts: np.ndarray) -> Pixels:
    """An image changed by each of these amounts, about its middle, bilinearly; shape (n, channels, height, width).

    Args:
        image: uint8, 0 to 255.
        kind: a name of `CHANGES`.
        amounts: shape (n,), in its unit; a scale above 0.
    Raises:
        UsageError: no such kind.
    """
    if kind not in CHANGES:
        raise UsageError(f"There is no change {kind!r}. Allowed: {', '.join(CHANGES)}.")
    height, width = image.shape[1:]
    amount = torch.as_tensor(np.asarray(amounts, dtype=np.float64))
    # Where each pixel of the result is taken from, in pixels from the middle: the inverse of the change.
    maps = torch.eye(2, 3, dtype=torch.float64).repeat(len(amount), 1, 1)
    if kind == "shift right":
        maps[:, 0, 2] = -amount
    elif kind == "shift down":
        maps[:, 1, 2] = -amount
    elif kind == "scale":
        maps[:, 0, 0] = maps[:, 1, 1] = 1 / amount
    else:
        angle = torch.deg2rad(amount)
        maps[:, 0, 0] = maps[:, 1, 1] = angle.cos()
        maps[:, 0, 1], maps[:, 1, 0] = -angle.sin(), angle.sin()
    # PyTorch counts from −1 to 1 along each axis, whatever its length.
    half = torch.tensor([width / 2, height / 2], dtype=torch.float64)
    maps[:, :, :2] *= half[None, None, :] / half[None, :, None]
    maps[:, :, 2] /= half
    source = torch.from_numpy(image.astype(np.float64))[None].expand(len(amount), -1, -1, -1)
    grid = F.affine_grid(maps, list(source.shape), align_corners=False)
    drawn = F.grid_sample(source, grid, mode="bilinear", padding_mode="border", align_corners=False)
    result: np.ndarray = drawn.round().clamp(0, 255).to(torch.uint8).numpy()
    return result


def _amounts(height: int, width: int) -> dict[str, np.ndarray]:
    """25 amounts of each kind, with no change among them; whole pixels where that gives enough."""

    def shifts(side: int) -> np.ndarray:
        most = max(1, side // 3)
        return np.arange(-most, most + 1.0) if most <= 12 else np.linspace(-most, most, 25)

    return {
        "shift right": shifts(width),
        "shift down": shifts(height),
        "scale": 2 ** np.linspace(-1, 1, 25),
        "rotation": np.linspace(-180, 180, 25),
    }
