"""Answers from the space: the index, the classifier, the evidence behind an answer."""

from __future__ import annotations

from ilk.neighbors.classifier import STATUSES, Answers, NeighborClassifier, fit_classifier, leave_one_out_error, vote
from ilk.neighbors.head_classifier import HeadClassifier, with_head
from ilk.neighbors.index import NeighborIndex
from ilk.neighbors.label_spreading import Spread, spread_labels
from ilk.neighbors.leave_one_out import HeldOut, leave_one_out

__all__ = [
    "STATUSES",
    "Answers",
    "HeadClassifier",
    "HeldOut",
    "NeighborClassifier",
    "NeighborIndex",
    "Spread",
    "fit_classifier",
    "leave_one_out",
    "leave_one_out_error",
    "spread_labels",
    "vote",
    "with_head",
]
