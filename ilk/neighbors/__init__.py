"""Answers from the space: the index, the classifier, the evidence behind an answer."""

from __future__ import annotations

from ilk.neighbors.classifier import STATUSES, Answers, NeighborClassifier, fit_classifier, leave_one_out_error, vote
from ilk.neighbors.index import NeighborIndex
from ilk.neighbors.left_out import LeftOut, leave_one_out

__all__ = [
    "STATUSES",
    "Answers",
    "LeftOut",
    "NeighborClassifier",
    "NeighborIndex",
    "fit_classifier",
    "leave_one_out",
    "leave_one_out_error",
    "vote",
]
