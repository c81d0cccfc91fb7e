"""How many threads a training step takes: found by the pace of real steps, and looked for again when the pace falls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median, median_low

ROUNDS = 3
"""Each count is tried so often, by turns, so that a busy moment of the machine does not decide."""
TRIED_STEPS = 3
"""Steps of a trial; the first is not counted, because memory and threads are set up in it."""
FAR_WORSE, WORSE = 3.0, 1.5
"""A count is not tried again if its steps take so many times another's, after its first trial and after its second."""
CHANGED = 1.5
"""Steps that take so many times what is known of them, or so much less, are a reason to look again."""
ALMOST = 1.05
"""The present count stays where no other is faster by more than this."""
SECONDS = 2.0
"""What one answer holds for, about."""
FEWEST_STEPS, MOST_STEPS = 8, 400
REST = 8
"""Without any reason, the counts are looked at again after so many times the wait between two looks with one …"""
PRICE = 20
"""… and not before so many times the seconds that the last look lost with slower counts."""


class ThreadChooser:
    """Chooses the number of threads by the durations of the steps that were made with it; measures nothing itself.

    First every count is tried, by turns, a few steps each. Then the fastest stays until steps take half as long again,
    or become as much faster, or many steps have passed; then all are tried again. Where such a look changes nothing,
    the wait for the next is twice as long, and a look that cost much is not repeated soon.

    Args:
        counts: to choose from, at least one; see `candidates()`.
    Example:
        >>> chooser = ThreadChooser([1, 2])
        >>> for _ in range(6):
        ...     count, steps = chooser.next()
        ...     chooser.add([0.1 / count] * steps)
        >>> chooser.next()
        (2, 40)
    """

    def __init__(self, counts: Sequence[int]) -> None:
        self.counts = sorted(set(counts), reverse=True)
        self.count = self.counts[0]
        self.known = math.inf
        """Seconds of a step with the present count, as the last look found them."""
        self.wait = FEWEST_STEPS
        """Steps before the next look with a reason."""
        self.rest = 0
        """Steps before the next look without one."""
        self.passed = 0
        self.times: dict[int, list[float]] = {}
        self.trials = self._first_round()
        self.rounds = 1

    def next(self) -> tuple[int, int]:
        """How many threads the next steps take, and how many steps that holds for."""
        if self.trials:
            return self.trials[0], TRIED_STEPS
        return self.count, min(MOST_STEPS, max(FEWEST_STEPS, round(SECONDS / self.known)))

    def add(self, seconds: Sequence[float]) -> None:
        """Take what the steps of the last answer took, in seconds, in their order."""
        if self.trials:
            self._add_trial(seconds)
            return
        self.passed += len(seconds)
        ratio = median(seconds) / self.known
        changed = self.passed >= self.wait and not 1 / CHANGED < ratio < CHANGED
        if len(self.counts) > 1 and (changed or self.passed >= self.rest):
            self.times, self.trials, self.rounds = {}, self._first_round(), 1

    def _first_round(self) -> list[int]:
        return list(self.counts) if len(self.counts) > 1 else []

    def _add_trial(self, seconds: Sequence[float]) -> None:
        count = self.trials.pop(0)
        self.times.setdefault(count, []).extend(seconds[1:] or seconds)
        fastest = min(min(times) for times in self.times.values())
        if self.rounds == 1 and min(self.times[count]) > FAR_WORSE * fastest:
            self.trials = []  # with fewer threads it would be slower still
        if self.trials:
            return
        pace, limit = (min, FAR_WORSE) if self.rounds == 1 else (median_low, WORSE)
        paces = {count: pace(times) for count, times in self.times.items()}
        left = [count for count in paces if paces[count] <= limit * min(paces.values())]
        if self.rounds < ROUNDS and len(left) > 1:
            self.trials, self.rounds = left[:: -1 if self.rounds % 2 else 1], self.rounds + 1
        else:
            self._decide(left)

    def _decide(self, left: Sequence[int]) -> None:
        paces = {count: median(self.times[count]) for count in left}
        best = min(paces, key=lambda count: paces[count])
        same = self.count in paces and paces[self.count] <= ALMOST * paces[best]
        self.wait = min(MOST_STEPS, 2 * self.wait) if same else FEWEST_STEPS
        self.count = self.count if same else best
        self.known, self.passed = max(paces[self.count], 1e-9), 0
        lost = sum(second / self.known - 1 for times in self.times.values() for second in times)
        self.rest = max(REST * self.wait, round(PRICE * lost))


def candidates(most: int) -> list[int]:
    """The counts that are tried: 1, 2, 4 … and all."""
    return [*(2**power for power in range(most.bit_length()) if 2**power < most), most]
