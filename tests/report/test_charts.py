"""The curves: what is drawn is what the history holds."""

from __future__ import annotations

import re

import matplotlib
import numpy as np
import pytest

from ilk.report.charts import MOST_POINTS, SPACE_CURVES, draw_charts, first_and_last, line_chart, short_number
from ilk.report.content import NEIGHBOR_CURVES
from ilk.training.curves import Curve

HISTORY = [{"epoch": e, "labeled": 2.0 / e, "entropy": 1.0 - e / 20, "own_error": 0.5 / e} for e in range(1, 11)]


def drawn_points(svg: str) -> np.ndarray:
    """The corners of the curve, in the SVG's units, its y axis turned upward."""
    path = re.search(r'<path d="([^"]*)"[^>]*stroke: var\(--accent\); stroke-width: 1.8', svg)
    assert path is not None
    numbers = np.array(re.findall(r"[-\d.]+", path[1]), dtype=float).reshape(-1, 2)
    return numbers * (1, -1)


@pytest.mark.parametrize(
    "values", [[3.0, 1.0, 2.0, 0.0], [-1.0, 4.0, 0.5], [1e-6, 3e-6, 2e-6], [5000.0, 2000.0, 9000.0]]
)
def test_the_drawn_line_is_a_linear_image_of_the_values(values: list[float]) -> None:
    xs = [1.0, 2.0, 4.0, 7.0][: len(values)]
    drawn = drawn_points(line_chart(list(zip(xs, values, strict=True)), salt="a", x_label="epoch"))

    for wanted, axis in ((xs, 0), (values, 1)):
        slope, offset = np.polyfit(wanted, drawn[:, axis], 1)
        assert slope > 0
        np.testing.assert_allclose(slope * np.array(wanted) + offset, drawn[:, axis], atol=1e-3)


def test_a_long_history_is_thinned_and_keeps_its_end() -> None:
    points = [(float(x), 1.0 + x % 7) for x in range(1, 9_999)]
    drawn = drawn_points(line_chart([*points, (9_999.0, 0.0)], salt="a", x_label="step"))

    assert len(drawn) <= MOST_POINTS + 1
    assert drawn[-1, 1] < drawn[drawn[:, 0] < drawn[-1, 0], 1].min()  # only the last value is 0


def test_nothing_is_drawn_outside_the_chart() -> None:
    drawn = drawn_points(line_chart([(1.0, -10.0), (2.0, 4.0)], salt="a", x_label="step"))
    height = 1.9 * 72
    assert (-drawn[:, 1]).min() >= 0
    assert (-drawn[:, 1]).max() <= 0.8 * height + 0.01  # the x axis lies at a fifth of the height


def test_only_what_the_history_holds_is_drawn() -> None:
    assert [chart.curve.name for chart in draw_charts(HISTORY)] == ["labeled", "entropy", "own_error"]
    assert draw_charts([]) == []
    assert draw_charts([{"epoch": 1}]) == []


def test_declared_curves_come_first_and_undeclared_losses_are_drawn_by_their_names() -> None:
    record = {"epoch": 1, "step": 9, "largest_share": 0.5, "largest_class": 2, "spread": 1.0, "noise": 0.5, "code": 3.0}
    charts = draw_charts([record] * 2, [Curve("code", "Length of the code", "bits", "0 for no code.", scale=2.0)])

    assert [chart.curve.title for chart in charts] == ["Length of the code", "noise", "Spread of the embedding"]
    assert [chart.summary for chart in charts] == ["6 → 6 bits", "0.5 → 0.5", "1 → 1"]


def test_values_that_are_not_finite_are_left_out() -> None:
    broken = [*HISTORY, {"epoch": 11, "labeled": float("nan"), "entropy": float("inf")}]
    labeled, entropy, _ = draw_charts(broken, NEIGHBOR_CURVES)

    assert labeled.summary == "2 → 0.2 nats"
    assert entropy.summary == "0.95 → 0.5 nats"
    assert draw_charts([{"epoch": 1, "labeled": float("nan")}]) == []


def test_the_error_is_drawn_in_percent_and_called_optimistic() -> None:
    chart = draw_charts(HISTORY)[-1]
    assert chart.summary == "50% → 5%"
    assert chart.curve.optimistic
    assert [curve.name for curve in SPACE_CURVES if curve.optimistic] == ["own_error"]


@pytest.mark.parametrize(
    ("record", "label"), [({"epoch": 3, "step": 9}, "epoch"), ({"step": 9}, "step"), ({}, "record")]
)
def test_the_x_axis_is_named(record: dict[str, int], label: str) -> None:
    (chart,) = draw_charts([{**record, "spread": 1.0}])
    assert f">{label}</text>" in chart.svg
    assert chart.summary == "1"


def test_ids_differ_between_charts_and_all_references_are_met() -> None:
    curves = (*NEIGHBOR_CURVES, *SPACE_CURVES)
    charts = draw_charts([{curve.name: 1.0 for curve in curves}] * 3, NEIGHBOR_CURVES)
    assert len(charts) == len(curves)
    ids = [name for chart in charts for name in re.findall(r' id="([^"]+)"', chart.svg)]
    assert ids
    assert len(ids) == len(set(ids))
    for chart in charts:
        wanted = re.findall(r'(?:href="|url\()#([^")]+)', chart.svg)
        assert set(wanted) <= set(re.findall(r' id="([^"]+)"', chart.svg))


def test_the_colors_are_those_of_the_page() -> None:
    svg = line_chart([(1.0, 1.0), (2.0, 3.0)], salt="a", x_label="epoch")
    assert set(re.findall(r"#[0-9a-f]{6}\b", svg)) == set()
    assert "var(--accent)" in svg
    assert "http" not in svg


def test_own_settings_of_matplotlib_change_nothing_and_stay() -> None:
    points = [(1.0, 1.0), (2.0, 3.0)]
    plain = line_chart(points, salt="a", x_label="epoch")
    with matplotlib.rc_context({"lines.linestyle": ":", "font.size": 30.0, "svg.fonttype": "path"}):
        assert line_chart(points, salt="a", x_label="epoch") == plain
        assert matplotlib.rcParams["font.size"] == 30.0


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "0"), (0.0004, "under 0.001"), (0.1234, "0.123"), (12.0, "12"), (12345.6, "12,346")]
)
def test_numbers_in_words(value: float, words: str) -> None:
    assert short_number(value) == words


def test_units_stand_where_they_belong() -> None:
    assert first_and_last([2.0, 1.0], "nats") == "2 → 1 nats"
    assert first_and_last([2.0], "%") == "2%"
    assert first_and_last([2.0, 7.0, 3.0], "") == "2 → 3"


def test_a_single_epoch_has_whole_numbers_below_it() -> None:
    (chart,) = draw_charts([{"epoch": 3, "effective_rank": 50.0}])
    ticks = re.findall(r"text-anchor: middle[^>]*>([^<]*)</text>", chart.svg)
    assert ticks == ["2", "3", "4"]
