"""Real handwritten digits as a folder of images, to try everything on."""

from __future__ import annotations

from pathlib import Path

LABELS_PER_CLASS = 10
HELD_OUT = 500


def write_digits(folder: Path, seed: int) -> None:
    """Scikit-learn's bundled digits as a folder: train/<class>, train/unlabeled, test/<class>; written once."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    shown = dict.fromkeys(range(10), 0)
    for place, i in enumerate(order):
        target = int(digits.target[i])
        if place < HELD_OUT:
            part = f"test/{target}"
        elif shown[target] < LABELS_PER_CLASS:
            shown[target] += 1
            part = f"train/{target}"
        else:
            part = "train/unlabeled"
        path = folder / part / f"{i:04d}.png"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((digits.images[i] * (255 / 16)).round().astype(np.uint8)).save(path)
