"""Contents that cannot be drawn are refused by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ilk.errors import ShapeError
from ilk.measures import Confusion
from ilk.report import ConfusedPair, ReportContent, render_report
from tests.report.contents import shown, whole


def test_a_confusion_of_another_size_is_refused(content: ReportContent) -> None:
    with pytest.raises(ShapeError, match=r"\(3, 3\), but 2 classes"):
        render_report(replace(content, confusion=Confusion.from_dense(np.zeros((3, 3), dtype=np.int64))))


def test_an_image_of_two_channels_is_refused_by_name(content: ReportContent) -> None:
    bad = replace(shown("odd.png"), image=np.zeros((2, 4, 4), dtype=np.uint8))
    with pytest.raises(ShapeError, match=r"'odd.png'.*\(2, 4, 4\)"):
        render_report(replace(content, least_sure=[bad]))
    with pytest.raises(ShapeError, match=r"'odd\.png'"):
        render_report(replace(content, confused=[ConfusedPair("cat", "dog", 1, (bad,))]))


@pytest.fixture
def content() -> ReportContent:
    return whole()
