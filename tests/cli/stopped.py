"""A run of six steps, a way to stop it, and what must be the same whether or not it was stopped."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ilk.runs.recorder import Recorder

STEPS = 6
LONG = ("--epochs", str(STEPS), "--size", "12")
SAME = ("model/weights.safetensors", "model/model.json", "metrics.csv", "predictions.csv", "embeddings.parquet")


def assert_same_run(one: Path, other: Path) -> None:
    assert [name for name in SAME if (one / name).read_bytes() != (other / name).read_bytes()] == []


def interrupt_after(step: int, monkeypatch: pytest.MonkeyPatch, times: int = 1, number: int = signal.SIGINT) -> None:
    on_step = Recorder.on_step

    def and_interrupt(self: Recorder, now: int, total: int | None) -> None:
        on_step(self, now, total)
        if now == step:
            for _ in range(times):
                os.kill(os.getpid(), number)

    monkeypatch.setattr(Recorder, "on_step", and_interrupt)
