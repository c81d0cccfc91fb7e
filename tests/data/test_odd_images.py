"""Damaged and odd images of twenty kinds: each is the picture that a plain decoder sees, or named with its reason."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.data.odd_images import KINDS, SIDE, Odd

ROOT = Path(__file__).resolve().parents[2]
MEGABYTES = 600  # beyond importing torch

# Eight threads, whatever this machine has: several large images must not be in memory at a time.
PROGRAM = """
import json, sys, time
from pathlib import Path
import numpy as np
import torch
from ilk.data import load
from ilk.data import stack as assembling
assembling._processors = lambda: 8
def peak(start=False):
    if start:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6
before, begun = peak(start=True), time.monotonic()
dataset = load("odd", size=int(sys.argv[1]), channels=3)
told = {"skipped": {skip.file: skip.reason for skip in dataset.skipped}, "names": dataset.names,
        "gray": dataset.gray.tolist(), "peak": peak() - before, "seconds": time.monotonic() - begun}
np.save("images.npy", dataset.images.transpose(0, 2, 3, 1))
Path("told.json").write_text(json.dumps(told))
"""


def wrong(odd: Odd, pixels: np.ndarray | None, gray: bool, reason: str | None) -> str | None:
    """What is wrong with the outcome of one file; None if it is what it must be."""
    if odd.pixels is None:
        return None if reason and re.search(odd.reason, reason) else f"expected {odd.reason!r}, got {reason!r}"
    if pixels is None:
        return f"skipped: {reason}"
    if gray != (odd.pixels.shape[2] == 1):
        return f"gray: {gray}"
    difference = np.nanmax(np.abs(pixels.astype(float) - odd.pixels))
    return f"{difference} levels off" if difference > odd.tolerance else None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of memory is read from /proc")
@pytest.mark.parametrize("count", [100, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_each_is_right_or_named_in_little_memory(
    count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd").mkdir()
    monkeypatch.chdir(tmp_path / "odd")
    kinds = len(KINDS)
    assert kinds == 20
    made: dict[str, tuple[str, Odd]] = {}
    for number in range(count):
        kind = KINDS[number % kinds]
        odd = kind(Path.cwd() / f"{number:04}", np.random.default_rng([number, 9]))
        made[odd.name] = kind.__name__, odd
    assert len(made) == count

    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", PROGRAM, str(SIDE)], check=True, cwd=tmp_path, env=env)
    told = json.loads((tmp_path / "told.json").read_text())
    images = dict(zip(told["names"], zip(np.load(tmp_path / "images.npy"), told["gray"], strict=True), strict=True))
    with capsys.disabled():
        print(
            f"\n{count:,} images = {len(images):,} used + {len(told['skipped']):,} named, "
            f"peak memory {told['peak']:.0f} MB, {told['seconds']:.0f} s"
        )
    assert sorted([*images, *told["skipped"]]) == sorted(made)
    failures = {
        name: (kind, fault)
        for name, (kind, odd) in made.items()
        if (fault := wrong(odd, *images.get(name, (None, False)), told["skipped"].get(name)))
    }
    assert failures == {}
    assert told["peak"] < MEGABYTES
