"""The training loop for any method; schedule, time limit, optimizers, faults, and the signs of a collapse."""

from __future__ import annotations

from ilk.training.callbacks import Callbacks
from ilk.training.collapse import class_shares, diagnose, effective_rank, spread
from ilk.training.curves import Curve
from ilk.training.dropout import set_dropout
from ilk.training.loop import train
from ilk.training.method import Batch, Method, Moment, Term, Update
from ilk.training.schedule import TimePlan
from ilk.training.settings import Settings
from ilk.training.state import Record, TrainingState

__all__ = [
    "Batch",
    "Callbacks",
    "Curve",
    "Method",
    "Moment",
    "Record",
    "Settings",
    "Term",
    "TimePlan",
    "TrainingState",
    "Update",
    "class_shares",
    "diagnose",
    "effective_rank",
    "set_dropout",
    "spread",
    "train",
]
