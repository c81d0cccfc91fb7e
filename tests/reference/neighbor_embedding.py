"""The paper's equations as the plainest loops in Python's own floats (Hoffer & Ailon 2016, arXiv:1611.01449).

Points are lists of numbers, a reference set is a list with one point per class. Nothing here is fast or shared with
the package: the fast code is judged by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = Sequence[float]
ReferenceSet = Sequence[Point]


def distance(a: Point, b: Point, kind: str) -> float:
    """The squared Euclidean distance of the paper's text, or the Euclidean one of its released code."""
    total = 0.0
    for x, y in zip(a, b, strict=True):
        total += (x - y) ** 2
    return total if kind == "squared" else math.sqrt(total)


def probabilities(x: Point, z: ReferenceSet, kind: str, temperature: float) -> list[float]:
    """Eq. 1: P(c | x; z_1..z_C) = exp(-d(f(x), f(z_c))) / Σ_j exp(-d(f(x), f(z_j)))."""
    weights = []
    for z_c in z:
        weights.append(math.exp(-distance(x, z_c, kind) / temperature))
    return [weight / sum(weights) for weight in weights]


def distance_ratio(
    queries: Sequence[Point],
    targets: Sequence[Sequence[float]],
    sets: Sequence[ReferenceSet],
    kind: str,
    temperature: float,
    counted: Sequence[Sequence[bool]],
) -> float:
    """Eq. 2 and 3: -log P(y | x_l; z), here -Σ_c target_c log P(c), averaged over the pairs that count."""
    total, pairs = 0.0, 0
    for x, target, counts in zip(queries, targets, counted, strict=True):
        for z, count in zip(sets, counts, strict=True):
            if not count:
                continue
            p = probabilities(x, z, kind, temperature)
            for target_c, p_c in zip(target, p, strict=True):
                if target_c > 0:
                    total -= target_c * math.log(p_c)
            pairs += 1
    return total / pairs


def minimum_entropy(
    images: Sequence[Point],
    sets: Sequence[ReferenceSet],
    kind: str,
    temperature: float,
    groups: Sequence[int] | None = None,
) -> float:
    """Eq. 4 and 5: -Σ_c P(c | x_u; z) log P(c | x_u; z), averaged over images and sets; §5.3: over groups."""
    total = 0.0
    for x in images:
        for z in sets:
            p = probabilities(x, z, kind, temperature)
            if groups is not None:
                p = [sum(p[c] for c in range(len(p)) if groups[c] == group) for group in range(max(groups) + 1)]
            for p_c in p:
                if p_c > 0:
                    total -= p_c * math.log(p_c)
    return total / (len(images) * len(sets))


def consistency(
    images: Sequence[Point],
    changed: Sequence[Point],
    sets: Sequence[ReferenceSet],
    kind: str,
    temperature: float,
    threshold: float,
) -> float:
    """Where an image's largest probability, averaged over the sets, is certain: -log of it for the changed image.

    Elsewhere: the divergence of the changed image's distribution from the image's own, times the square of the share of
    images that are not certain.
    """
    total, apart, unsure = 0.0, 0.0, 0
    for x, x_changed in zip(images, changed, strict=True):
        every = [probabilities(x, z, kind, temperature) for z in sets]
        mean = [sum(p[c] for p in every) / len(sets) for c in range(len(sets[0]))]
        answer = mean.index(max(mean))
        if mean[answer] < threshold:
            unsure += 1
            for own, z in zip(every, sets, strict=True):
                other = probabilities(x_changed, z, kind, temperature)
                apart += sum(p * math.log(p / q) for p, q in zip(own, other, strict=True)) / len(sets)
            continue
        for z in sets:
            total -= math.log(probabilities(x_changed, z, kind, temperature)[answer]) / len(sets)
    return (total + (unsure / len(images)) ** 2 * apart) / len(images)


def total(labeled: float, entropy: float, labeled_weight: float, entropy_weight: float) -> float:
    """Eq. 6: L = λ_l · mean L_l + λ_u · mean L_u."""
    return labeled_weight * labeled + entropy_weight * entropy


def one_hot(label: int, classes: int) -> list[float]:
    """The target of eq. 3."""
    return [1.0 if c == label else 0.0 for c in range(classes)]
