"""A page and its plots for 100,000 classes: their size follows what a reader reads, their memory the answers."""

from __future__ import annotations

import tracemalloc

import numpy as np

from ilk.measures import confusion
from ilk.report import ReportContent, draw_plots, render_report

CLASSES, IMAGES = 100_000, 200_000


def test_a_page_of_a_hundred_thousand_classes_stays_small() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, CLASSES, IMAGES)
    answer = np.where(rng.random(IMAGES) < 0.1, 7, truth)
    names = tuple(f"species {number}" for number in range(CLASSES))
    tracemalloc.start()
    counts = confusion(truth, answer, CLASSES)
    content = ReportContent("many", label_counts=dict.fromkeys(names, 2), confusion=counts, classes=names)
    page, plots = render_report(content), draw_plots(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300e6
    assert len(page) < 100_000
    assert f"{int((truth == answer).sum()):,} of {IMAGES:,}" in page
    assert {"confusion.png", "labels.png"} <= set(plots)
