"""What the sections show, as figures and words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ilk.measures import class_report
from ilk.report import Measurement, ReportContent, render_report
from ilk.report.limits import MOST_TO_LABEL
from ilk.report.views import fine_percent, percent
from tests.report.contents import plain, shown
from tests.report.parsing import Page


def test_of_many_classes_the_worst_are_measured() -> None:
    truth = np.repeat(np.arange(30), 10)
    wrong = np.arange(300) % 10 < truth % 7  # class c has c % 7 errors in 10
    names = [f"<{i}>" for i in range(30)]
    reports = list(zip(names, class_report(truth, np.where(wrong, (truth + 1) % 30, truth), 30), strict=True))
    content = ReportContent("many", measured=Measurement(int(wrong.sum()), 300, (0.2, 0.4), "test", None, reports))
    page = Page(render_report(content))
    worst = sorted(range(30), key=lambda c: -(c % 7))[:15]
    assert [f"<{c}> {c % 7} of 10" in page.text for c in range(30)] == [c in worst for c in range(30)]
    assert "… and 15 more classes." in page.text
    assert "bare pixels" not in page.text


@pytest.mark.parametrize(
    ("fraction", "words"),
    [(0.0, "0%"), (0.0004, "under 1%"), (0.5, "50%"), (0.996, "over 99%"), (1.0, "100%"), (float("nan"), "unknown")],
)
def test_a_percentage_never_claims_all_or_nothing_falsely(fraction: float, words: str) -> None:
    assert percent(fraction) == words


@pytest.mark.parametrize(
    ("fraction", "words"),
    [(0.0, "0%"), (0.0004, "under 0.1%"), (0.0421, "4.2%"), (0.5, "50.0%"), (0.9996, "over 99.9%"), (1.0, "100%")],
)
def test_an_error_is_said_to_a_tenth_of_a_percent(fraction: float, words: str) -> None:
    assert fine_percent(fraction) == words


def test_the_list_of_what_to_label_next_holds_the_unlabeled_ones_in_their_order() -> None:
    many = [shown(f"{i}.png", truth="cat" if i % 3 == 0 else None) for i in range(90)]
    page = Page(render_report(replace(plain(), least_sure=many)))
    names = [f"{i}.png" for i in range(90) if i % 3][:MOST_TO_LABEL]
    assert " ".join(names) in page.text
    assert f"The {MOST_TO_LABEL} images" in page.text
