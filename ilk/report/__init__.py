"""A run as one self-contained page: what went in, what came out, why, and what to do next.

The page needs no script and no network. It is made from plain data: nothing here reads a run or computes an answer.
"""

from __future__ import annotations

from ilk.report.content import Neighbor, ReportContent, Shown
from ilk.report.page import render_report

__all__ = ["Neighbor", "ReportContent", "Shown", "render_report"]
