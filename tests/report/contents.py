"""Contents of reports for the tests: a plain one, one where every part is present, one of the strangest names."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
from PIL import Image

from ilk.measures import Bin, Confusion, class_report, reliability, wilson_interval
from ilk.report import Card, ConfusedPair, Measurement, Neighbor, ReportContent

STRANGE = (
    "<script>alert(1)</script>",
    "x" * 300,
    "😀 cat 😀",
    "قطة سوداء صغيرة",
    "猫" * 40,
    "$\\frac{$",
    "a class with a name of very many words " * 7,
    "None",
)


def shown(
    name: str = "a.png", answer: str = "cat", truth: str | None = None, size: tuple[int, int] = (8, 8), seed: int = 0
) -> Card:
    """An image of noise (height, width) with four neighbors."""
    noise = np.random.default_rng(seed).integers(0, 256, (5, 3, *size), dtype=np.uint8)
    near = tuple(Neighbor(f"near {name} {i}", noise[i], f"class {i}", i + 0.25) for i in range(4))
    return Card(name, noise[4], answer, 0.75, "check", truth, near)


def plain() -> ReportContent:
    """What a small run says."""
    return ReportContent(
        title="pets",
        facts=[("Data", "pets/ 12 files = 11 used + 1 skipped"), ("Augmentation", "off")],
        label_counts={"cat": 4, "dog": 3},
        statuses={"sure": 8, "check": 2, "unlike": 1},
        history=[{"epoch": e, "labeled": 1 / e, "entropy": 2 / e, "own_error": 0.1 / e} for e in (1, 2, 3)],
        warnings=["The space has collapsed."],
        confusion=Confusion.from_dense(np.array([[3, 1], [0, 3]])),
        classes=("cat", "dog"),
        surest=[shown("sure.png")],
        least_sure=[shown("unsure.png", truth="dog", seed=1), shown("folder/next.png", seed=2)],
        next_steps=[("ilk search runs/pets IMAGE", "Find the most alike images.")],
    )


def whole() -> ReportContent:
    """A run of which every part is known."""
    return replace(
        plain(),
        map=map_png(40, 30),
        map_note="Labeled images in color.",
        map_alt="Two clouds of points.",
        confused=[ConfusedPair("cat", "dog", 1, (shown("taken.png", "dog", "cat", seed=3),))],
        reliability=bins(),
        created="2026-11-21",
        command="ilk fit pets --seed 0",
        version="1.2.3",
    )


def evaluation() -> ReportContent:
    """An evaluation of a run."""
    truth, answer = np.array([0, 0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 1, 1, 1])
    reports = list(zip(("cat", "dog"), class_report(truth, answer, 2), strict=True))
    measured = Measurement(1, 7, wilson_interval(1, 7), "test", 0.5, reports)
    return replace(whole(), measured=measured, optimistic=False, history=(), map=None)


def strange() -> ReportContent:
    """Names that break careless pages, in every place that shows one; images of any aspect."""
    n = len(STRANGE)
    sizes = [(1, 1), (1, 900), (900, 1), (300, 200), (28, 28), (40, 90), (2, 3), (161, 161)]
    images = [
        replace(shown(f"{name}.png", name, None, size, i), neighbors=(Neighbor(name, pixels(size), name, 1e-9),))
        for i, (name, size) in enumerate(zip(STRANGE, sizes, strict=True))
    ]
    return replace(
        whole(),
        title=STRANGE[1],
        facts=[(STRANGE[0], "deep/" * 100), ("y" * 200, STRANGE[1])],
        label_counts={name: i for i, name in enumerate(STRANGE)},
        confusion=Confusion.from_dense(np.random.default_rng(0).integers(0, 2000, (n, n))),
        classes=STRANGE,
        confused=[ConfusedPair(a, b, 10_000, (images[0],) * 5) for a, b in zip(STRANGE, STRANGE[::-1], strict=True)],
        surest=images,
        least_sure=images,
        next_steps=[("ilk predict " + "z" * 300, STRANGE[1])],
        command="ilk fit " + "long/" * 60,
        measured=Measurement(
            0, 5, wilson_interval(0, 5), STRANGE[1], 0.0, [(STRANGE[1], class_report(ONE, ONE, 2)[1])]
        ),
    )


ONE = np.ones(5, dtype=np.int64)


def bins() -> tuple[Bin, ...]:
    """Answers whose confidence is a little too high."""
    rng = np.random.default_rng(0)
    confidence = rng.random(200) ** 0.3
    return reliability(confidence, rng.random(200) < 0.9 * confidence)


def pixels(size: tuple[int, int]) -> np.ndarray:
    """A gray image (1, height, width)."""
    return np.full((1, *size), 128, dtype=np.uint8)


def map_png(width: int, height: int) -> bytes:
    """A PNG file of noise."""
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(noise).save(buffer, format="PNG")
    return buffer.getvalue()
