"""The number of threads of each step of a run: set before the step, and in config.json before it is used."""

from __future__ import annotations

import os
import sys
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ilk.storage.run import Run, read_config, update_config

if TYPE_CHECKING:  # the command line asks before torch is loaded
    from ilk.training import Callbacks
    from ilk.training.threads import ThreadChooser

THREADS = "threads_of_steps"
"""The name in config.json; absent where the number was fixed from outside."""
FIXING = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def threads_are_open() -> bool:
    """Whether nobody has fixed the number of threads: no variable, and no program that has loaded torch before."""
    return "torch" not in sys.modules and not any(name in os.environ for name in FIXING)


def nothing_chosen() -> dict[str, Any]:
    """What config.json says of a run whose threads are to be chosen, before its first step."""
    return {THREADS: {"until": 0, "from": {}}}


def with_threads(callbacks: Callbacks, run: Run, device: str, step: int) -> Callbacks:
    """The same callbacks, which also choose the threads of each step if that is left to the run, on a CPU.

    Args:
        callbacks: of the run.
        run: whose config.json says what was chosen so far.
        device: of the network.
        step: from which it goes on; its threads are taken at once.
    """
    import torch

    from ilk.recipes.default import choose_device
    from ilk.training.threads import ThreadChooser, candidates

    if THREADS not in read_config(run) or choose_device(device).type != "cpu":
        return callbacks
    counts = candidates(torch.get_num_threads())
    fixed = len(counts) == 1 or any(name in os.environ for name in FIXING)
    threads = StepThreads(run, None if fixed else ThreadChooser(counts))
    threads.take(step)
    return replace(callbacks, before_step=threads.before, after_step=threads.after)


class StepThreads:
    """Sets the threads of each step, as config.json has them or as a `ThreadChooser` answers; changes the process's.

    Another number of threads gives other last digits. So each answer is saved, with the step up to which it holds,
    before the first step that is made with it. A process that goes on from a checkpoint then makes every step that an
    earlier one may have made with the same number, and chooses anew only beyond.

    Args:
        run: whose config.json is read and written.
        chooser: for the steps of which nothing is saved; None to stay with the last number.
        clock: seconds, never going back.
    """

    def __init__(self, run: Run, chooser: ThreadChooser | None, clock: Callable[[], float] = time.perf_counter) -> None:
        saved = read_config(run)[THREADS]
        self.run, self.chooser, self.clock = run, chooser, clock
        self.until: int = saved["until"]
        self.counts = {int(step): int(count) for step, count in saved["from"].items()}
        self.seconds: list[float] = []
        self.begun = 0.0
        self.asked = False

    def before(self, step: int) -> None:
        """Set the threads of a step, counted from 0, which begins now."""
        if self.chooser and step >= self.until:
            self._ask(self.chooser, step)
        self.take(step)
        self.begun = self.clock()

    def after(self) -> None:
        """The step is made."""
        self.seconds.append(self.clock() - self.begun)

    def take(self, step: int) -> None:
        """Set the threads of a step, also of what follows the last one."""
        import torch

        steps = sorted(self.counts)
        place = bisect_right(steps, step)
        if place and torch.get_num_threads() != self.counts[steps[place - 1]]:
            torch.set_num_threads(self.counts[steps[place - 1]])

    def _ask(self, chooser: ThreadChooser, step: int) -> None:
        if self.asked and self.seconds:
            chooser.add(self.seconds)
        count, steps = chooser.next()
        self.seconds, self.asked, self.until = [], True, step + steps
        if not self.counts or self.counts[max(self.counts)] != count:
            self.counts[step] = count
        saved = {str(step): count for step, count in sorted(self.counts.items())}
        update_config(self.run, **{THREADS: {"until": self.until, "from": saved}})
