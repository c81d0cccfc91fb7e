"""Follow the training: a line per record, metrics, checkpoints, warnings."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from ilk.data import Dataset
from ilk.recipes.default import batch_in_words
from ilk.runs.intervals import duration, parsed_interval
from ilk.runs.recipe_options import share_of_schedule
from ilk.runs.reproducibility import deciding
from ilk.runs.resolve import Plan
from ilk.runs.session import Session, log
from ilk.storage.checkpoint import save_checkpoint
from ilk.storage.files import write_csv
from ilk.storage.run import Run
from ilk.training import Batch, Callbacks, Curve, Method, Record, TrainingState, diagnose

SAID_SKIPS = 5
"""So many skipped steps are named on the screen; train.log names all."""
COUNTS = ("step", "largest_class")
SETTLED = 0.25
"""Share of a run after which an embedding that has not spread is no longer just beginning."""


class Recorder:
    """Follows the training loop; its methods are the loop's callbacks."""

    method: Method
    """Of the run, known from its first state on."""

    def __init__(self, session: Session, plan: Plan, dataset: Dataset) -> None:
        self.session, self.plan, self.dataset = session, plan, dataset
        self.deciding = deciding(plan)
        self.update: Callable[[int, int | None], None] = lambda done, total: None
        """Moves the bar."""
        self.seconds, self.steps = parsed_interval(plan.request.checkpoint_every)
        self.batch: list[str] = []
        self.saved_at = self.recorded_at = time.monotonic()
        self.recorded_step: int | None = None
        self.planned: int | None = None
        self.warned: set[str] = set()

    def callbacks(self, keep: Callable[[TrainingState], None]) -> Callbacks:
        """What the training loop calls: the recorder, and what keeps weights and asks whether to stop."""

        def on_state(state: TrainingState) -> None:
            self.method, self.halvings = state.method, state.halvings
            keep(state)

        return Callbacks(
            say=self.say,
            on_record=self.on_record,
            on_state=on_state,
            on_step=self.on_step,
            on_skip=self.on_skip,
            on_halved=self.on_halved,
            save=self.save,
            stop=self.session.stop,
        )

    def on_step(self, step: int, total: int | None) -> None:
        """Move the bar, and say when the length of the run becomes known or changes."""
        if self.recorded_step is None:
            self.recorded_step = step - 1
        if total is not None and total != self.planned and self.plan.settings.time_limit is not None:
            again = "by a second look, " if self.planned else ""
            share = share_of_schedule(self.plan.request, total / self.method.steps_per_epoch(self.halvings))
            share = f" ({share})" if share else ""
            self.session.say(f"Plan    {again}{total:,} steps fit the time{share}")
        self.planned = total
        self.update(step, total)

    def say(self, sentence: str) -> None:
        """What has been found out before the first step."""
        self.session.say(sentence)

    def on_record(self, record: Record) -> None:
        """One line on the screen, in train.log and as JSON; a warning where the space collapses."""
        now, step = time.monotonic(), int(record["step"])
        took, steps = now - self.recorded_at, step - (self.recorded_step or 0)
        self.recorded_at, self.recorded_step = now, step
        total = self.planned or step
        line = record_line(record, self.method.curves, total, labels_with_company(self.dataset))
        self.session.events.say(f"{line}   {duration(took)}   left {duration(took / steps * (total - step))}")
        log(self.session.run, f"{line} {took:.2f} s")
        self.session.events.emit(event="epoch", **{name: int(x) if name in COUNTS else x for name, x in record.items()})
        if step >= SETTLED * total:
            self.warn_of(diagnose(record, self.dataset.classes, int(record["largest_class"]), self.method.scale))

    def warn_of(self, sentences: list[str]) -> None:
        """Say each kind of collapse once: the same warning with other figures is no news."""
        for sentence in sentences:
            kind = re.sub(r"[\d.]+", "", sentence)
            if kind not in self.warned:
                self.session.warn(sentence)
                self.warned.add(kind)

    def on_skip(self, state: TrainingState, batch: Batch, what: str) -> None:
        """Say that a step was skipped, and remember its images."""
        line = f"step {state.step:,} was skipped, because {what} was not a finite number; the weights are as before it"
        if state.skipped <= SAID_SKIPS:
            self.session.events.warn(line)
        log(self.session.run, line)
        self.batch = [self.dataset.names[i] for i in batch.positions.tolist()]

    def name_batch(self) -> None:
        """Name the images of the step that was skipped last."""
        line = f"the images of the last of these steps: {', '.join(self.batch)}"
        if self.batch:
            self.session.warn(line)

    def on_halved(self, state: TrainingState) -> None:
        """Say that the batch is smaller from now on."""
        line = f"out of memory: from step {state.step + 1:,} on, {batch_in_words(state.halvings)}"
        self.session.warn(line)

    def save(self, state: TrainingState, must: bool) -> None:
        """A checkpoint when it must be, and at the given interval; never one that is not finite."""
        due = time.monotonic() - self.saved_at >= self.seconds or (self.steps and state.step % self.steps == 0)
        if (must or due) and state.is_finite():
            save_checkpoint(self.session.run, state.tensors(), {**state.metadata(), "request": self.deciding})
            write_metrics(self.session.run, state.history)
            self.saved_at = time.monotonic()
            self.session.stop.waits = state.step != state.total


def record_line(record: Record, curves: Sequence[Curve], steps: int, labels: int) -> str:
    """One line per record: place, the terms of the loss apart, and the optimistic error on the labels."""
    return (
        f"epoch {record['epoch']:5.1f}/{record['epoch'] * steps / record['step']:.1f}   "
        + "  ".join(f"{curve.name} {record[curve.name]:.3f}" for curve in curves)
        + "   "
        + (
            f"own labels, leave-one-out {record['own_error']:.1%} (n={labels:,}, optimistic)"
            if "own_error" in record
            else "own labels: one for each class, so nothing to leave out"
        )
    )


def labels_with_company(dataset: Dataset) -> int:
    """How many labels share their class with another one: those that can be left out and answered."""
    return sum(count for count in dataset.counts().values() if count > 1)


def write_metrics(run: Run, history: list[Record]) -> None:
    """metrics.csv: one row per record, without wall times, so that a resumed run writes the same bytes."""
    names = list(history[0]) if history else ["epoch", "step"]
    write_csv(run.metrics, names, [[f"{record[name]:.9g}" for name in names] for record in history])
