"""Every network under the method on CIFAR-10, at one small budget: size, work, pace, error, and whether it learns.

Each network sees the same images, labels and number of steps, at the larger of 32 pixels and its smallest size. The
error is that of the k-nearest-neighbor classifier on training images that no run learns from; no test image is looked
at. The pace is the time of a step as a multiple of neighbor-cifar's at 32 pixels, measured by turns. Loss is the
labeled term, of the first and the last 10 steps. A network whose row is in the file is passed over, so a benchmark
that was stopped goes on where it was; one that diverged keeps its row and says so.

    python benchmarks/networks.py --data ../shared/data/cifar10
    python benchmarks/networks.py --only facenet-nn1 facenet-nn2 --steps 200 --out nn.json
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from laboratory.rows import Row, rows_of, save
from torch.nn.functional import interpolate
from torch.utils.flop_counter import FlopCounterMode

from ilk.data import Dataset, hide_labels, load
from ilk.data.image_source import source_of
from ilk.errors import DivergedError
from ilk.measures import wilson_interval
from ilk.methods import NeighborMethod, NeighborSettings
from ilk.neighbors import fit_classifier
from ilk.networks import NETWORKS, build, canonical_name, embed
from ilk.training import Callbacks, Settings, TrainingState, train

YARDSTICK = "neighbor-cifar"
SIDE = 32
HELD_OUT = 1000
HELD_OUT_FROM = 40_000  # CIFAR-10's training images before this one are learned from
AVERAGED = 10
TIMED_STEPS = 3  # the first of them only warms up


def main() -> None:
    given = parse_arguments()
    names = [canonical_name(name) for name in given.only or NETWORKS]
    chosen = ("images", "steps", "labels_per_class", "pool", "rate", "seed")
    budget = {name: getattr(given, name) for name in chosen}
    rows = rows_of(given.out, budget)
    seen, asked = images_of(given)
    print("command:", "python", *sys.argv)
    print(f"budget: {budget}; {torch.get_num_threads()} threads, torch {torch.__version__}", flush=True)
    for name in names:
        if name not in rows:
            rows[name] = row_of(name, seen, asked, given)
            save(given.out, budget, rows)
            print(f"{name}: {rows[name]}", flush=True)
    print(table([rows[name] for name in names]))
    if {"facenet-nn1", "facenet-nn2"} <= rows.keys():
        print(interleaved_against_parallel(rows["facenet-nn1"], rows["facenet-nn2"]))


def images_of(given: argparse.Namespace) -> tuple[Dataset, Dataset]:
    """The images to learn from, with the labels of a few, and those to be asked about, with all labels."""
    whole = load(given.data, split="train", size=SIDE, channels=3)
    draw = np.random.default_rng(given.seed)
    parts = []
    for begin, end, count in ((0, HELD_OUT_FROM, given.images), (HELD_OUT_FROM, len(whole), HELD_OUT)):
        chosen = np.sort(draw.choice(np.arange(begin, end), count, replace=False))
        names = tuple(whole.names[i] for i in chosen)
        images, targets, gray = whole.images[chosen], whole.targets[chosen], whole.gray[chosen]
        parts.append(replace(whole, images=images, names=names, targets=targets, gray=gray))
    return hide_labels(parts[0], per_class=given.labels_per_class, subset=given.seed), parts[1]


def resized(dataset: Dataset, side: int) -> Dataset:
    """The same images at another size, bilinear."""
    if dataset.images.shape[-1] == side:
        return dataset
    # A few at a time, because as floats they take four times the memory.
    parts = torch.from_numpy(dataset.images).split(500)
    larger = [interpolate(part.float(), (side, side), mode="bilinear").round().byte() for part in parts]
    return replace(dataset, images=torch.cat(larger).numpy())


def row_of(name: str, seen: Dataset, asked: Dataset, given: argparse.Namespace) -> Row:
    side = max(SIDE, NETWORKS[name].smallest)
    larger, larger_asked = resized(seen, side), resized(asked, side)
    network = build(name, channels=3, size=(side, side), seed=given.seed)
    row: Row = {"network": name, "side": side, "parameters": sum(p.numel() for p in network.parameters())}
    with torch.no_grad(), FlopCounterMode(display=False) as counted:
        network.eval()(torch.zeros(1, 3, side, side))
    row["multiply_adds"] = counted.get_total_flops() // 2  # convolutions and matrix products of one image
    try:
        row |= pace(name, larger, seen, given)
        row |= learning(name, larger, larger_asked, given)
    except DivergedError as error:
        row["note"] = str(error)
    return row


def trained(
    name: str, dataset: Dataset, steps: int, given: argparse.Namespace
) -> tuple[TrainingState, list[float], list[float]]:
    """A network after some steps of the method, with the labeled term of each step and the time at its end."""
    per_epoch = max(1, len(dataset) // given.pool)
    settings = Settings(epochs=steps / per_epoch, learning_rate=given.rate, seed=given.seed)
    source, targets = source_of(dataset), torch.from_numpy(dataset.targets)
    network = build(name, channels=3, size=dataset.images.shape[2:], seed=given.seed)
    method = NeighborMethod(network, source, targets, settings, NeighborSettings(pool=given.pool))
    state = TrainingState(method, settings)
    losses: list[float] = []
    times: list[float] = []
    sums = [0.0]

    def note(step: int, total: int | None) -> None:
        # The state sums its terms from one record to the next.
        losses.append(float(state.sums["labeled"]) - (sums[0] if state.summed > 1 else 0.0))
        sums[0] = float(state.sums["labeled"])
        times.append(time.perf_counter())

    train(state, settings, callbacks=Callbacks(on_step=note))
    return state, losses, times


def pace(name: str, dataset: Dataset, small: Dataset, given: argparse.Namespace) -> Row:
    """Seconds of a step, and their ratio to the yardstick's, in pairs of runs."""
    runs = ((name, dataset), (YARDSTICK, small))
    pairs = []
    for turn in range(given.pairs):
        seconds = [0.0, 0.0]
        # Who goes first changes, so that a drift of the machine's speed favors neither.
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            times = trained(*runs[which], TIMED_STEPS, given)[2]
            seconds[which] = float(np.diff(times).min())
        pairs.append(seconds)
    ratios = [mine / yardstick for mine, yardstick in pairs]
    return {
        "step_seconds": statistics.median(mine for mine, _ in pairs),
        "step_ratio": statistics.median(ratios),
        "step_ratio_least": min(ratios),
        "step_ratio_most": max(ratios),
    }


def learning(name: str, dataset: Dataset, asked: Dataset, given: argparse.Namespace) -> Row:
    """The loss at both ends of a run, and the error of its averaged weights on images that it did not see."""
    begin = time.perf_counter()
    state, losses, _ = trained(name, dataset, given.steps, given)
    seconds = time.perf_counter() - begin
    labeled = dataset.labeled
    classifier = fit_classifier(
        embed(state.average, dataset.images[labeled], batch=100),
        dataset.targets[labeled],
        len(dataset.classes),
        distance=state.method.scale[0],
        temperature=state.method.scale[1],
    )
    answers = classifier.predict(embed(state.average, asked.images, batch=100))
    return {
        "seconds": seconds,
        "first_loss": statistics.fmean(losses[:AVERAGED]),
        "last_loss": statistics.fmean(losses[-AVERAGED:]),
        "k": classifier.k,
        "errors": int((answers.label != asked.targets).sum()),
        "n": len(asked),
    }


def table(rows: list[Row]) -> str:
    """Markdown, one line per network."""
    head = (
        "| network | side | parameters | multiply-adds | step, of neighbor-cifar's | loss, first and last 10 | error |"
    )
    lines = [head, "|" + "---|" * (head.count("|") - 1)]
    for row in rows:
        cells = [row["network"], row["side"], f"{row['parameters']:,}", f"{row['multiply_adds'] / 1e6:,.1f} M"]
        if "note" in row:
            cells += ["", "", row["note"]]
        else:
            low, high = wilson_interval(row["errors"], row["n"])
            cells.append(f"{row['step_ratio']:.2f} ({row['step_ratio_least']:.2f} to {row['step_ratio_most']:.2f})")
            falls = "" if row["last_loss"] < row["first_loss"] else ", does not fall"
            cells.append(f"{row['first_loss']:.3f}, {row['last_loss']:.3f}{falls}")
            cells.append(f"{row['errors'] / row['n']:.1%} ({low:.1%} to {high:.1%}), k = {row['k']}")
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def interleaved_against_parallel(nn1: Row, nn2: Row) -> str:
    """The comparison of the FaceNet paper: NN2 has about a twentieth of the parameters, and as much work."""
    figures = ("parameters", "multiply_adds", "step_seconds", "errors")
    told = [f"{name} {nn2[name] / nn1[name]:.3f}" for name in figures if nn1.get(name) and name in nn2]
    return f"facenet-nn2 (parallel) of facenet-nn1 (interleaved): {', '.join(told)}"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=f"{os.environ.get('ILK_DATA', '../shared/data')}/cifar10")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="networks; all of them if left out")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--labels-per-class", type=int, default=40)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--pool", type=int, default=32, help="unlabeled images per step")
    parser.add_argument("--rate", type=float, help="learning rate; each network's own if left out")
    parser.add_argument("--pairs", type=int, default=3, help="times that the pace is measured")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/networks.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
