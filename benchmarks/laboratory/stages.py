"""A long run in several sittings: what one reached is kept beside the rows, and the next goes on from there."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor, nn

from ilk.errors import ModelError
from ilk.storage.checkpoint import load_checkpoint, save_checkpoint
from ilk.storage.run import Run
from ilk.training import Callbacks, TrainingState

EVERY = 60.0
"""Seconds between two savings, beside the one at the end of a sitting."""


@dataclass
class Course:
    """The averaged weights at some records of a run: evenly chosen, at most twice as many as asked for.

    Args:
        most: how many are asked for; 0 for none.
    """

    most: int
    stride: int = 1
    records: int = 0
    kept: list[dict[str, Tensor]] = field(default_factory=list)

    def add(self, network: nn.Module) -> None:
        """One more record, and the network's weights at it."""
        if self.most and self.records % self.stride == 0:
            self.kept.append({name: each.detach().cpu().clone() for name, each in network.state_dict().items()})
            if len(self.kept) > 2 * self.most:
                self.kept, self.stride = self.kept[::2], 2 * self.stride
        self.records += 1

    def tensors(self) -> dict[str, Tensor]:
        """All of them under names of their own."""
        return {f"course.{i}.{name}": each for i, one in enumerate(self.kept) for name, each in one.items()}

    def restore(self, tensors: dict[str, Tensor], stride: int, records: int) -> None:
        """Go back to what `tensors()` gave; other names are passed over."""
        self.stride, self.records, found = stride, records, {}
        for name, each in tensors.items():
            if name.startswith("course."):
                _, number, own = name.split(".", maxsplit=2)
                found.setdefault(int(number), {})[own] = each
        self.kept = [found[number] for number in sorted(found)]


class Sitting:
    """One sitting of a benchmark, in which a run may be begun, gone on with, or ended.

    Args:
        folder: keeps the run that has not come to its end; there is one at most. None keeps nothing.
        seconds: after which a run is saved and left; None for no such end.
        budget: only a run of the same one is gone on with.
    """

    def __init__(
        self, folder: Path | None = None, seconds: float | None = None, budget: Mapping[str, object] | None = None
    ) -> None:
        self.run = None if folder is None else Run(folder)
        self.budget = dict(budget or {})
        self.saved = time.monotonic()
        self.end = math.inf if seconds is None else self.saved + seconds

    def is_over(self) -> bool:
        """Whether its time has passed."""
        return time.monotonic() >= self.end

    def resume(self, key: str, course: Course) -> tuple[tuple[dict[str, Tensor], dict] | None, float]:
        """The checkpoint of the run of that row, if it is the one that was left, and the seconds that it has taken."""
        found = self._found(key)
        if found is None:
            return None, 0.0
        tensors, place = found
        course.restore(tensors, place["stride"], place["records"])
        return found, place["seconds"]

    def watch(self, key: str, course: Course, begin: float) -> Callbacks:
        """What keeps the run of that row, which began (in effect) at that time.monotonic()."""
        states: list[TrainingState] = []

        def save(state: TrainingState, must: bool) -> None:
            now = time.monotonic()
            if self.run is not None and ((must and state.step != state.total) or now >= self.saved + EVERY):
                place = {"key": key, "budget": self.budget, "seconds": now - begin}
                place |= {"stride": course.stride, "records": course.records}
                self.run.path.mkdir(parents=True, exist_ok=True)
                save_checkpoint(self.run, state.tensors() | course.tensors(), state.metadata() | place)
                self.saved = now

        return Callbacks(
            say=print,
            on_state=lambda state: states.append(state) if not states else None,
            on_record=lambda record: course.add(states[0].method.embedding(states[0].average)),
            save=save,
            stop=self.is_over,
        )

    def done(self, key: str) -> None:
        """The run of that row has come to its end, and its row is kept elsewhere."""
        if self.run is None or self._found(key) is None:
            return
        for path in self.run.checkpoints.glob("step-*"):
            path.unlink()
        with suppress(OSError):  # whatever else is there stays
            self.run.checkpoints.rmdir()
            self.run.path.rmdir()

    def _found(self, key: str) -> tuple[dict[str, Tensor], dict] | None:
        """What was left of the run of that row; None where it is of another row or budget."""
        try:
            found = None if self.run is None else load_checkpoint(self.run)
        except ModelError as error:
            sys.exit(f"The run that was left cannot be gone on with: remove its folder, and it begins anew. {error}")
        ours = found is not None and (found[1]["key"], found[1]["budget"]) == (key, self.budget)
        return found if ours else None
