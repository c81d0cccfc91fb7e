"""What is believed of images before any network has seen them: the labels, spread over a graph of alike images."""

from __future__ import annotations

import math
from importlib.util import find_spec

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch.nn import functional

from ilk.data import Dataset
from ilk.neighbors import Spread, spread_labels
from ilk.shapes import Pixels
from ilk.training import PseudoLabels, Settings

SIDE = 14
"""Pixels along a side of the images that are compared: coarser ones forgive small shifts."""
COMPONENTS = 32
LARGEST_GRAPH = 60_000
LARGEST_TABLE = 5_000_000
"""Images times classes, at most: some seconds, and 20 MB for each of a few tables."""
BATCH = 1000


def believe(dataset: Dataset, settings: Settings) -> tuple[PseudoLabels | None, str]:
    """The classes that images begin with, and a sentence on them.

    The images are compared by their pixels, so this helps where alike images look alike, as written digits do; where
    they do not, the hidden labels say so, and nothing is believed.

    Args:
        dataset: at least two classes, each with a label.
        settings: give `spread_share`, the most that is believed.
    Returns:
        None where nothing is believed, or asked for.
    """
    unlabeled = np.flatnonzero(dataset.targets < 0)
    labeled, classes = dataset.labeled, len(dataset.classes)
    most = min(LARGEST_GRAPH, LARGEST_TABLE // classes) - len(labeled)
    asked = settings.spread_share and settings.spread_until and settings.consistency_weight and settings.pool
    if not asked or min(len(unlabeled), most) < 1:
        return None, ""
    if find_spec("sklearn") is None:  # as on a machine for training, where a pack of images is all that there is
        return None, "labels are not spread over alike pixels, because scikit-learn is not here"
    draw = np.random.default_rng(settings.seed)
    chosen = unlabeled if len(unlabeled) <= most else draw.choice(unlabeled, most, replace=False)
    chosen = np.sort(np.concatenate([labeled, chosen]))
    spread = spread_labels(
        pixel_points(dataset.images, chosen),
        dataset.targets[chosen],
        classes,
        most=settings.spread_share,
        seed=settings.seed,
    )
    found = spread.certain[dataset.targets[chosen] < 0]
    if not found.any():
        return None, in_words(spread, 0.0)
    believed = PseudoLabels(torch.zeros(len(dataset), dtype=torch.int64), torch.zeros(len(dataset), dtype=torch.bool))
    places = torch.from_numpy(chosen)
    believed.classes[places] = torch.from_numpy(spread.classes)
    believed.certain[places] = torch.from_numpy(spread.certain)
    return believed, in_words(spread, found.sum() / len(unlabeled))


def in_words(spread: Spread, share: float) -> str:
    """How far the labels reached."""
    if math.isnan(spread.hidden_error):
        return "no class has two labels that differ, so nothing can say whether alike pixels are of one class: not used"
    found = f"labels spread over alike pixels find {1 - spread.hidden_error:.0%} of hidden ones"
    return f"{found}; {share:.0%} of the unlabeled images begin with a class" if share else f"{found}: not used"


def pixel_points(pixels: Pixels, chosen: Int64[np.ndarray, "chosen"]) -> Float32[np.ndarray, "chosen values"]:
    """Each chosen image at 14×14 pixels or fewer, by its principal components.

    Args:
        pixels: shape (images, channels, height, width), uint8.
        chosen: positions of at least 2 images.
    Returns:
        shape (chosen, at most 32), float32, in units of a pixel's 0 to 1.
    """
    from sklearn.decomposition import PCA

    side = (min(SIDE, pixels.shape[2]), min(SIDE, pixels.shape[3]))
    rows = []
    for start in range(0, len(chosen), BATCH):
        part = torch.from_numpy(pixels[chosen[start : start + BATCH]]).float() / 255
        rows.append(functional.adaptive_avg_pool2d(part, side).flatten(1).numpy())
    coarse = np.concatenate(rows)
    components = min(COMPONENTS, *coarse.shape)
    return PCA(components, svd_solver="covariance_eigh").fit_transform(coarse).astype(np.float32)
