"""Answers from the space: the index, the classifier, the evidence behind an answer."""

from __future__ import annotations

from ilk.neighbors.classifier import STATUSES, Answers, NeighborClassifier, fit_classifier, leave_one_out_error, vote
from ilk.neighbors.index import NeighborIndex

__all__ = [
    "STATUSES",
    "Answers",
    "NeighborClassifier",
    "NeighborIndex",
    "fit_classifier",
    "leave_one_out_error",
    "vote",
]
