"""The loop on one screen; the schedule; the monitor of collapse. What it needs from below is handed in."""

from __future__ import annotations

from ilk.training.callbacks import Callbacks
from ilk.training.collapse import class_shares, diagnose, effective_rank, spread
from ilk.training.dropout import set_dropout
from ilk.training.loop import train
from ilk.training.schedule import TimePlan
from ilk.training.settings import Settings
from ilk.training.state import Record, TrainingState
from ilk.training.step import ClassPriors, PseudoLabels

__all__ = [
    "Callbacks",
    "ClassPriors",
    "PseudoLabels",
    "Record",
    "Settings",
    "TimePlan",
    "TrainingState",
    "class_shares",
    "diagnose",
    "effective_rank",
    "set_dropout",
    "spread",
    "train",
]
