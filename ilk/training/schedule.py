"""How long a run is, and how the learning rate moves along it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ilk.training.settings import Settings

LEAST_RECORDS, MOST_RECORDS = 10, 40
MEASURED_STEPS = 20
MEASURED_SHARE = 0.1
CHECKED_SHARE = 0.2
SECOND_LOOK = 0.3
ALLOWED_LATE = 0.05


def learning_rate(
    settings: Settings, highest: float, step: int, total: int | None, losses: Sequence[float] = ()
) -> float:
    """The rate of a step, at most `highest`; warm-up and decay fit any number of steps.

    Args:
        settings: give the schedule and its warm-up.
        highest: of the parameters whose rate it is.
        step: counted from 0.
        total: steps of the run; None while the length is still being measured.
        losses: the method's first loss in each record so far, which decides where the schedule "plateau" stands.
    """
    warmup = settings.warmup_steps if total is None else min(settings.warmup_steps, total // 5)
    rate = highest * min(1.0, (step + 1) / max(1, warmup))
    progress = 0.0 if total is None else step / total
    if settings.schedule == "steps":
        return rate * 0.1 ** math.floor(3 * progress)
    if settings.schedule == "plateau":
        return rate * 0.1 ** plateaus(losses, settings.patience)
    return rate * 0.5 * (1 + math.cos(math.pi * progress))


def plateaus(losses: Sequence[float], patience: int) -> int:
    """How often `patience` losses in a row have not gone below the lowest before them; each such row counts once."""
    lowest, waited, found = math.inf, 0, 0
    for loss in losses:
        waited = 0 if loss < lowest else waited + 1
        lowest = min(lowest, loss)
        if waited == patience:
            found, waited = found + 1, 0
    return found


def record_interval(total: int, steps_per_epoch: int) -> int:
    """Steps between two records: an epoch; less where a run has few epochs, several where it has very many."""
    if steps_per_epoch > total / LEAST_RECORDS:
        return max(1, math.ceil(total / LEAST_RECORDS))
    return steps_per_epoch * max(1, round(total / MOST_RECORDS / steps_per_epoch))


@dataclass
class TimePlan:
    """Turns a time limit into a number of steps: measured first, looked at again once, later only ever shortened.

    The second look, after about a third of the limit or of the steps, lengthens the run too, where the first measure
    met a busy machine. After it the number stays, unless the machine becomes so slow that the limit would be missed.

    Args:
        limit: seconds from `started` to the end of everything.
        reserve: seconds that are needed after the last step, such as for answers and a report.
        started: when the limit began, by `clock`.
        clock: seconds, never going back.
    """

    limit: float
    reserve: float
    started: float
    clock: Callable[[], float] = time.monotonic
    _marks: list[tuple[int, float]] = field(default_factory=list)
    _settled: bool = False

    def total(self, step: int, total: int | None) -> int | None:
        """The run's number of steps as known before `step`; None while still measuring. Call it once a step."""
        now = self.clock()
        if total is None:
            self._marks.append((step, now))
            # The first steps are slower than the rest: they count only where there is no time for more.
            first_step, first_time = self._marks[3 if len(self._marks) > 4 else 0]
            measured = step - first_step >= MEASURED_STEPS and now - first_time >= MEASURED_SHARE * self.limit
            out_of_time = now - self.started > 0.5 * self.limit and step > first_step
            if not (measured or out_of_time):
                return None
            self._marks = [(step, now)]
            return self._steps_that_fit(step, now, (now - first_time) / (step - first_step))
        # From here on the mean counts: in a few steps, one record's figures would look like a slow machine.
        if not self._marks:
            self._marks.append((step, now))
        past_step, past_time = self._marks[0]
        far_enough = not self._settled and step - past_step >= SECOND_LOOK * (total - past_step)
        if step == past_step or (now - past_time < CHECKED_SHARE * self.limit and not far_enough):
            return total
        per_step = (now - past_time) / (step - past_step)
        late = now + per_step * (total - step) + self.reserve - (self.started + self.limit)
        adjust = abs(late) if not self._settled else late
        self._settled = True
        return total if adjust < ALLOWED_LATE * self.limit else self._steps_that_fit(step, now, per_step)

    def restart(self) -> None:
        """Forget what was measured, because steps are of another size from now on."""
        self._marks, self._settled = [], False

    def _steps_that_fit(self, step: int, now: float, per_step: float) -> int:
        left = self.started + self.limit - self.reserve - now
        return step + max(1, int(left / per_step))
