"""The reliability diagram: its points are the bins, and its words say on which side of the truth they lie."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from ilk.measures import Bin, reliability
from ilk.report.charts import PAGE_PALETTE
from ilk.report.reliability import draw_reliability, reliability_in_words, reliability_svg
from tests.report.contents import bins


def answers(claimed: float, right: float, n: int = 1000) -> tuple[Bin, ...]:
    return reliability(np.full(n, claimed), np.arange(n) < right * n)


def test_the_diagram_holds_the_bins_their_intervals_and_their_counts() -> None:
    figure = Figure()
    draw_reliability(figure, bins(), PAGE_PALETTE)
    upper, lower = figure.axes
    (container,) = upper.containers
    points, _, (whiskers,) = container.lines
    np.testing.assert_allclose(points.get_xydata(), [(each.confidence, each.accuracy) for each in bins()])
    ends = [segment[:, 1] for segment in whiskers.get_segments()]
    np.testing.assert_allclose(ends, [each.interval for each in bins()], atol=1e-12)
    assert [bar.get_height() for bar in lower.patches] == [each.n for each in bins()]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in lower.patches]
    assert all(each.low < middle < each.high for each, middle in zip(bins(), middles, strict=True))


@pytest.mark.parametrize(
    ("claimed", "right", "words"),
    [
        (0.9, 0.7, "claim more than they hold"),
        (0.5, 0.7, "hold more than they claim"),
        (0.7, 0.7, "the confidence can be believed"),
    ],
)
def test_the_words_say_what_the_diagram_means(claimed: float, right: float, words: str) -> None:
    said = reliability_in_words(answers(claimed, right))
    assert words in said
    assert f"claim {100 * claimed:.1f}% on average, and {100 * right:.1f}% of 1,000 are right" in said
    assert f"lie {100 * abs(claimed - right):.1f} percentage points apart" in said


def test_few_answers_prove_nothing() -> None:
    assert "can be believed" in reliability_in_words(answers(0.9, 0.5, n=2))


def test_labels_that_trained_the_network_never_speak_for_it() -> None:
    assert "cannot show" in reliability_in_words(answers(0.9, 0.5, n=2), optimistic=True)
    assert "cannot show" in reliability_in_words(answers(0.5, 1.0), optimistic=True)
    assert "more than they hold" in reliability_in_words(answers(0.9, 0.1), optimistic=True)


def test_the_drawing_takes_its_colors_from_the_page_and_is_the_same_every_time() -> None:
    svg = reliability_svg(bins())
    assert svg == reliability_svg(bins())
    assert set(re.findall(r"#[0-9a-f]{6}", svg)) == set()
    for color in ("--accent", "--line", "--muted", "--check"):
        assert f"var({color})" in svg
