"""How good the answers are: error with its interval, confusion, figures per class, calibration."""

from __future__ import annotations

from ilk.measures.calibration import Bin, calibration_error, reliability
from ilk.measures.confusion import (
    MOST_DENSE_CLASSES,
    ClassReport,
    Confusion,
    Mistake,
    class_report,
    confusion,
    most_frequent_mistakes,
)
from ilk.measures.error_rate import error_rate, wilson_interval
from ilk.measures.unit_health import UnitHealth

__all__ = [
    "MOST_DENSE_CLASSES",
    "Bin",
    "ClassReport",
    "Confusion",
    "Mistake",
    "UnitHealth",
    "calibration_error",
    "class_report",
    "confusion",
    "error_rate",
    "most_frequent_mistakes",
    "reliability",
    "wilson_interval",
]
