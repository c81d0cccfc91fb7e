"""Pseudo-labels before the first step: label propagation over a graph of images with similar pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor
from torch.nn import functional

from ilk.data.image_source import ImageSource
from ilk.neighbors import Spread, spread_labels
from ilk.sampling import Batch
from ilk.shapes import Labels, Mask

GRAPH_SIDE = 14
"""Pixels along a side of the images that are compared: coarser ones forgive small shifts."""
COMPONENTS = 32
LARGEST_GRAPH = 60_000
LARGEST_TABLE = 5_000_000
"""Images times classes, at most: some seconds, and 20 MB for each of a few tables."""
IMAGES_AT_A_TIME = 1000


@dataclass(frozen=True)
class PseudoLabels:
    """Classes that images are taken to have before the network knows any.

    Args:
        classes: shape (images,), a class number for every image.
        certain: shape (images,), False for images without a pseudo-label.
    """

    classes: Labels
    certain: Bool[Tensor, "batch"]

    def of(self, batch: Batch) -> tuple[Labels, Mask]:
        """For the pool of a batch: positions among its compared classes, (pool,); which count, (pool, sets)."""
        classes, certain = self.classes[batch.pool], self.certain[batch.pool]
        places = torch.searchsorted(batch.classes, classes).clamp_max(len(batch.classes) - 1)
        certain = certain & (batch.classes[places] == classes)
        return places, certain[:, None].expand(-1, len(batch.references))


def initial_pseudo_labels(
    source: ImageSource, targets: Labels, *, largest_share: float, seed: int
) -> tuple[PseudoLabels | None, str]:
    """The classes that images start with, and a sentence on them.

    The images are compared by their pixels, so this helps where images of one class look similar, as written digits do;
    where they do not, labels that were hidden show it, and no image gets a pseudo-label.

    Args:
        source: of all images.
        targets: shape (images,), class numbers, −1 for unlabeled; at least two classes, each with a label.
        largest_share: of the unlabeled images, those that get a pseudo-label at most, 0 to 1.
        seed: of the hidden labels, and of the sample where the images are many.
    Returns:
        None where no image gets one.
    """
    numbers = targets.numpy()
    labeled, unlabeled = np.flatnonzero(numbers >= 0), np.flatnonzero(numbers < 0)
    classes = int(numbers.max()) + 1
    most = min(LARGEST_GRAPH, LARGEST_TABLE // classes) - len(labeled)
    if min(len(unlabeled), most) < 1:
        return None, ""
    if find_spec("sklearn") is None:  # as on a machine for training, where a pack of images is all that there is
        return None, "labels are not spread over alike pixels, because scikit-learn is not here"
    draw = np.random.default_rng(seed)
    chosen = unlabeled if len(unlabeled) <= most else draw.choice(unlabeled, most, replace=False)
    chosen = np.sort(np.concatenate([labeled, chosen]))
    spread = spread_labels(pixel_points(source, chosen), numbers[chosen], classes, most=largest_share, seed=seed)
    found = spread.certain[numbers[chosen] < 0]
    if not found.any():
        return None, in_words(spread, 0.0)
    pseudo = PseudoLabels(torch.zeros(len(numbers), dtype=torch.int64), torch.zeros(len(numbers), dtype=torch.bool))
    places = torch.from_numpy(chosen)
    pseudo.classes[places] = torch.from_numpy(spread.classes)
    pseudo.certain[places] = torch.from_numpy(spread.certain)
    return pseudo, in_words(spread, found.sum() / len(unlabeled))


def in_words(spread: Spread, share: float) -> str:
    """How many hidden labels the propagation finds, and how many images start with a class."""
    if math.isnan(spread.hidden_error):
        return "no class has two labels that differ, so nothing can say whether alike pixels are of one class: not used"
    found = f"labels spread over alike pixels find {1 - spread.hidden_error:.0%} of hidden ones"
    return f"{found}; {share:.0%} of the unlabeled images begin with a class" if share else f"{found}: not used"


def pixel_points(source: ImageSource, chosen: Int64[np.ndarray, "chosen"]) -> Float32[np.ndarray, "chosen values"]:
    """Each chosen image at 14×14 pixels or fewer, by its principal components.

    Args:
        source: of all images.
        chosen: positions of at least 2 images.
    Returns:
        shape (chosen, at most 32), float32, in units of a pixel's 0 to 1.
    """
    from sklearn.decomposition import PCA

    side = (min(GRAPH_SIDE, source.shape[2]), min(GRAPH_SIDE, source.shape[3]))
    rows = []
    for start in range(0, len(chosen), IMAGES_AT_A_TIME):
        positions = torch.from_numpy(chosen[start : start + IMAGES_AT_A_TIME])
        part = source.take(positions).cpu().float() / 255
        rows.append(functional.adaptive_avg_pool2d(part, side).flatten(1).numpy())
    coarse = np.concatenate(rows)
    components = min(COMPONENTS, *coarse.shape)
    return PCA(components, svd_solver="covariance_eigh").fit_transform(coarse).astype(np.float32)
