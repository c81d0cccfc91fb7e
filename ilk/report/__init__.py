"""A run as one self-contained page: what went in, what came out, why, and what to do next; its plots as files, too.

The page needs no script and no network. It is made from plain data: nothing here reads a run or computes an answer.
"""

from __future__ import annotations

from ilk.report.content import Card, ConfusedPair, Measurement, Neighbor, ReportContent
from ilk.report.page import render_report
from ilk.report.plots import draw_plots

__all__ = ["Card", "ConfusedPair", "Measurement", "Neighbor", "ReportContent", "draw_plots", "render_report"]
