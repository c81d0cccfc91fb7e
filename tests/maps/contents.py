"""A small map for the tests: three groups, some images labeled, each image with a tone of its own."""

from __future__ import annotations

import numpy as np

from ilk.maps import MapContent

CLASSES = ("ape", "bee", "cat")


def tone(i: int) -> int:
    """The gray tone of image i."""
    return 40 + i * 37 % 200


def content(n: int) -> MapContent:
    """Image i belongs to class i % 3; every fourth one is labeled; n at least 8."""
    draws = np.random.default_rng(0)
    truth = np.arange(n) % 3
    labeled = np.arange(n) % 4 == 0
    groups = np.array([[-8.0, -6.0], [8.0, -6.0], [0.0, 8.0]])
    references = np.flatnonzero(labeled)
    tones = np.array([tone(i) for i in range(n)], dtype=np.uint8)
    return MapContent(
        title="pets",
        positions=groups[truth] + draws.uniform(-3, 3, (n, 2)),
        names=[f"{CLASSES[c]}-{i:03d}.png" if i % 2 else f"IMG_{i:03d}.png" for i, c in enumerate(truth)],
        targets=np.where(labeled, truth, -1),
        answers=truth,
        confidence=np.linspace(0.3, 1.0, n),
        status=[("sure", "check", "unlike")[i % 5 % 3] for i in range(n)],
        classes=CLASSES,
        neighbors=references[draws.integers(0, len(references), (n, 3))],
        distances=np.sort(draws.uniform(0.5, 3, (n, 3)), axis=1),
        note="A projection.",
        images=np.broadcast_to(tones[:, None, None, None], (n, 1, 16, 16)).copy(),
    )
