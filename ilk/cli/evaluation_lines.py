"""An evaluation in words: the error of each class, the statuses, and the error of all, which comes last."""

from __future__ import annotations

from ilk.measures import (
    ClassReport,
    calibration_error,
    class_report,
    confusion,
    most_frequent_mistakes,
    wilson_interval,
)
from ilk.neighbors import STATUSES
from ilk.runs.evaluation import Evaluation

MOST_CLASSES = 20
"""So many classes are shown, those with the most errors."""


def evaluation_lines(found: Evaluation) -> list[str]:
    """Everything that a person should know of it, a line each."""
    n = len(found.truth)
    low, high = wilson_interval(found.errors, n)
    lines = [*_class_lines(found), *_status_lines(found), *(f"Note    {note}" for note in found.notes())]
    if found.pixel_errors is not None:
        lines.append(f"Floor   {found.pixel_errors / n:.2%}  1-NN on pixels with the same {found.labels:,} labels")
    lines.append(
        f"Error   {found.errors / n:.2%}  ({found.errors:,} of {n:,}, 95% interval {low:.2%} to {high:.2%}), "
        f"{found.split} images"
    )
    return lines


def _class_lines(found: Evaluation) -> list[str]:
    reports = class_report(found.truth, found.answers.label, len(found.classes))
    table = confusion(found.truth, found.answers.label, len(found.classes))
    worst = sorted((c for c, report in enumerate(reports) if report.n), key=lambda c: -(reports[c].error or 0))
    width = max(len(found.classes[c]) for c in worst[:MOST_CLASSES])
    lines = [f"Class   {'':<{width}}       n   error   95% interval    most often taken for"]
    for c in worst[:MOST_CLASSES]:
        mistakes = most_frequent_mistakes(table.of_class(c), 1)
        wrong = "".join(f"{found.classes[mistake.answer]} ({mistake.count:,})" for mistake in mistakes)
        lines.append(f"        {found.classes[c]:<{width}} {_figures(reports[c])}   {wrong}".rstrip())
    if len(worst) > MOST_CLASSES:
        lines.append(f"        and {len(worst) - MOST_CLASSES:,} classes with fewer errors; --json lists all")
    return lines


def _figures(report: ClassReport) -> str:
    low, high = report.interval or (0.0, 1.0)
    return f"{report.n:7,} {report.error or 0:7.2%}  {low:6.2%} to {high:6.2%}"


def _status_lines(found: Evaluation) -> list[str]:
    wrong = found.answers.label != found.truth
    parts = []
    for status in STATUSES:
        those = found.answers.status == status
        if those.any():
            parts.append(f"{int(those.sum()):,} {status} ({wrong[those].mean():.2%} wrong)")
    claimed, held = found.answers.confidence.mean(), 1 - found.errors / len(found.truth)
    return [
        "Status  " + " · ".join(parts),
        f"Trust   the answers claim {claimed:.1%} on average, and {held:.1%} hold; claim and truth lie "
        f"{100 * calibration_error(found.reliability()):.1f} points apart (calibration error)",
    ]
