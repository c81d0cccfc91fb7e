"""The comparison of training steps: both sides do the same work, and the figures are what they say."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from tests.benchmarks.test_accuracy import SCARCE, benchmark

FOLDER = str(Path(__file__).resolve().parents[2] / "benchmarks")
PEER = "pytorch_metric_learning"
TINY = ("--pairs", 1, "--steps", 2, "--warm-up", 1, "--images", 200, "--size", 12, "--matrix", 64)


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(FOLDER)
    yield
    for name in [name for name in sys.modules if name == "speed" or name.split(".")[0] == "laboratory"]:
        del sys.modules[name]


@pytest.fixture
def peer() -> None:
    pytest.importorskip(PEER, reason="pytorch-metric-learning, which the plain loop needs, is not installed")


def work(steps: int = 2, size: int = 8, channels: int = 3):
    from laboratory.loops import random_work

    given = SimpleNamespace(network="neighbor-mnist", images=60, classes=5, channels=channels, size=size, seed=0)
    given.sets, given.queries, given.pool, given.warm_up, given.steps = 2, 6, 12, 0, steps
    return random_work(given, torch.device("cpu"))


@pytest.mark.usefixtures("peer")
def test_every_contestant_embeds_as_many_images_in_the_format_that_its_row_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from laboratory import loops

    monkeypatch.setattr(loops, "resolve_precision", lambda asked, device: "bfloat16")
    batches: list[Tensor] = []
    formats: list[torch.dtype] = []
    built = loops.build

    def watched(*given: object, **settings: object) -> nn.Module:
        network = built(*given, **settings)
        network.register_forward_hook(lambda network, taken, points: batches.append(taken[0]))
        network.features[0].register_forward_hook(lambda layer, taken, maps: formats.append(maps.dtype))
        return network

    monkeypatch.setattr(loops, "build", watched)
    contestants = loops.contestants(torch.device("cpu"))
    assert list(contestants) == ["ours eager", "plain", "ours fast", "plain, bfloat16, channels last"]
    for name, (loop, form) in contestants.items():
        batches.clear()
        formats.clear()
        steps: list[int] = []
        assert math.isfinite(loop(work(), steps.append))
        assert steps == [1, 2]
        assert [len(batch) for batch in batches] == [2 * 5 + 6 + 12] * 2
        assert formats == [getattr(torch, form)] * 2
        assert form == ("float32" if name in ("plain", "ours eager") else "bfloat16")
        for batch in batches:
            assert batch.is_contiguous(memory_format=torch.channels_last) == (name != "plain")
            assert -1 <= batch.min() < batch.max() < 1


@pytest.mark.usefixtures("peer")
@pytest.mark.parametrize("fast", [False, True])
def test_the_plain_loop_learns_what_is_easy(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from laboratory import loops

    given = work(steps=40, channels=1)
    shades = 25 * (torch.arange(60) % 5)  # the class of those that are labeled, and of the others
    easy = replace(given, images=given.images // 2 + shades.to(torch.uint8)[:, None, None, None])
    losses = []
    for rate in (0.0, 0.03):  # on the same batches
        monkeypatch.setattr(loops, "RATE", rate)
        losses.append(loops.plain(easy, lambda step: None, fast=fast))
    assert losses[1] < 0.25 * losses[0]


def test_the_first_steps_only_warm_up_and_a_loss_that_is_not_finite_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import speed

    clock = [0.0]
    monkeypatch.setattr(speed.time, "perf_counter", lambda: clock[0])

    def loop(given, on_step) -> float:
        for step in range(1, given.steps + 1):
            clock[0] += 100.0 if step <= 3 else 2.0
            on_step(step)
        return loss

    loss = 0.5
    assert speed.seconds_of_a_step(loop, work(steps=7), 4) == 2.0
    assert speed.seconds_of_a_step(loop, work(steps=7), 5) == (100 + 4 * 2) / 5
    loss = math.nan
    with pytest.raises(SystemExit, match="nan"):
        speed.seconds_of_a_step(loop, work(steps=7), 4)


def test_every_second_turn_goes_the_other_way_round() -> None:
    import speed

    order: list[str] = []

    def loop(name: str):
        def run(given, on_step) -> float:
            order.append(name)
            for step in range(1, given.steps + 1):
                on_step(step)
            return 0.0

        return run

    loops = {name: (loop(name), "float32") for name in "abc"}
    turns, peaks = speed.by_turns(loops, work(steps=3), SimpleNamespace(pairs=3, steps=2, matrix=16))
    assert "".join(order) == "abc" + "cba" + "abc"
    assert [sorted(turn) for turn in turns] == [["a", "b", "c"]] * 3
    assert peaks.keys() == {"float32"}


def test_the_peak_counts_the_operations_of_the_quicker_of_two_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    import speed

    seconds = iter(range(100))
    monkeypatch.setattr(speed, "now", lambda device: float(next(seconds)))  # each task takes one second
    product, convolution = 2 * 256**3, 2 * 9 * 32 * 32 * 2 * 14 * 14
    assert speed.peak_of(torch.device("cpu"), torch.bfloat16, 256) == max(product, convolution) == product
    seconds = iter([0.0, 100.0, 100.0, 101.0] * 6)
    assert speed.peak_of(torch.device("cpu"), torch.float32, 256) == convolution


def test_the_ratio_is_the_median_of_the_pairs() -> None:
    import speed

    given = work(size=28, channels=1)  # 28 images in a step
    loops = {"plain": (None, "float32"), "ours fast": (None, "bfloat16")}
    # By turns the ratios are 2, 4, 0.5: the ratio of the medians would be 1.
    turns = [{"plain": p, "ours fast": o} for p, o in ((0.02, 0.01), (0.08, 0.02), (0.02, 0.04))]
    # The five convolutions at 28×28, as table 3 of the paper has them.
    operations = 6 * (26**2 * 16 * 25 + 13**2 * (32 * 16 + 64 * 32 + 64 * 64) * 9 + 6**2 * 128 * 64 * 9)
    peaks = {"float32": 14_000.0 * operations, "bfloat16": 2_800.0 * operations}
    lines = speed.table(loops, turns, peaks, {"plain": 12.4, "ours fast": 3456.0}, given).splitlines()
    assert lines[2] == "| plain | float32 | 1,400 | 1.00 (1.00 to 1.00) | 10.0% | 12 MB |"
    assert lines[3] == "| ours fast | bfloat16 | 1,400 | 2.00 (0.50 to 4.00) | 50.0% | 3,456 MB |"
    assert lines[4].endswith("78.3 million an image")
    assert lines[5:] == ["ours fast / plain: 2.00 (0.50 to 4.00)"]
    assert "| ours fast | bfloat16 | 1,400 |  | 50.0% |" in speed.table(
        {"ours fast": loops["ours fast"]}, turns, peaks, {"ours fast": 3456.0}, given
    )


@pytest.mark.usefixtures("peer")
def test_all_four_steps_are_measured_in_one_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import speed

    monkeypatch.setattr(sys, "argv", ["speed.py", *map(str, TINY)])
    monkeypatch.setattr(speed, "memory_in_own_process", lambda name: float(len(name)))
    speed.main()
    printed = capsys.readouterr().out
    rows = [line.split(" | ") for line in printed.splitlines() if line.endswith(" MB |")]
    assert [(row[0].strip("| "), row[-1].strip("| ")) for row in rows] == [
        ("ours eager", "10 MB"),
        ("plain", "5 MB"),
        ("ours fast", "9 MB"),
        ("plain, bfloat16, channels last", "30 MB"),
    ]
    ratio = rows[2][3]  # one pair: the median and both ends are one number
    assert f"\nours fast / plain: {ratio}\nours fast / plain, bfloat16, channels last: " in printed


def test_our_steps_need_pytorch_alone_and_a_missing_peer_is_named(tmp_path: Path) -> None:
    printed = benchmark("speed", *TINY, "--threads", 1, folder=tmp_path, blocked=(*SCARCE, PEER))
    assert "there is no plain loop beside ours: python -m pip install" in printed
    rows = [line for line in printed.splitlines() if line.endswith(" MB |")]
    assert [row.split(" | ")[0] for row in rows] == ["| ours eager", "| ours fast"]
    assert all(0 < float(row.split(" | ")[-1].removesuffix(" MB |")) < 1000 for row in rows)
