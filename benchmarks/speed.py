"""The pace of a training step: ours beside a plain PyTorch loop with pytorch-metric-learning, by turns in one run.

All train the same network on as many images in a step, as many of them labeled, by stochastic gradient descent with
Nesterov's momentum. The plain loop minimizes NCALoss on the labeled images and the entropy of the unlabeled ones; it
holds all images as float32 on the device and draws a batch by one index, which is faster than a DataLoader. Ours is
`ilk.training.train` as it is, without augmentation: it also converts uint8 images, averages the weights, and skips
steps that are not finite. The images are random: no data set is needed, and nothing is learned.

Share of the peak: multiply-adds of the network × 2, × 3 for forward and backward, over what a large matrix product or
convolution reaches in the same number format, at its best in the same run. (Of the product alone it could exceed 100%:
some libraries multiply float32 matrices at half the pace of a convolution.) Memory: the peak of a process of its own
beyond its imports, images included; on CUDA that of its allocations.

    python benchmarks/speed.py
    python benchmarks/speed.py --network neighbor-cifar --channels 3 --size 32 --threads 1 --steps 5
    python benchmarks/speed.py --device cuda --queries 512 --pool 2048
"""

from __future__ import annotations

import argparse
import math
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

import torch
from laboratory.loops import OURS_FAST, PEER, PLAIN, PLAIN_FAST, Loop, Work, contestants, random_work

from ilk.errors import IlkError
from ilk.insight import describe
from ilk.methods import NeighborSettings
from ilk.recipes.default import choose_device

INSTALL = "python -m pip install -c constraints.txt pytorch-metric-learning"


def main() -> None:
    given = parse_arguments()
    if given.threads:
        torch.set_num_threads(given.threads)
    device = choose_device(given.device)
    if given.memory_of:
        print(memory_of(given.memory_of, given, device))
        return
    work, loops = random_work(given, device), contestants(device)
    print("command:", "python", *sys.argv)
    print(f"{given.pairs} turns of {given.steps} steps on {place_of(device)}, torch {torch.__version__}")
    shape = "×".join(map(str, work.images.shape[1:]))
    print(f"{work.network}, a step of {work.labeled} labeled and {work.pool} unlabeled images, {shape}", flush=True)
    if PLAIN not in loops:
        print(f"pytorch-metric-learning is not here, so there is no plain loop beside ours: {INSTALL}")

    turns, peaks = by_turns(loops, work, given)
    memory = {name: memory_in_own_process(name) for name in loops}
    print(table(loops, turns, peaks, memory, work))


def by_turns(
    loops: Mapping[str, tuple[Loop, str]], work: Work, given: argparse.Namespace
) -> tuple[list[dict[str, float]], dict[str, float]]:
    """Seconds of a step of each contestant in each turn, and the operations per second of each number format."""
    turns: list[dict[str, float]] = []
    peaks = {form: 0.0 for _, form in loops.values()}
    for number in range(given.pairs):
        # Who goes first changes, so that a drift of the machine's speed favors none.
        order = list(loops) if number % 2 == 0 else list(loops)[::-1]
        turns.append({name: seconds_of_a_step(loops[name][0], work, given.steps) for name in order})
        for form, best in peaks.items():
            peaks[form] = max(best, peak_of(work.images.device, getattr(torch, form), given.matrix))
    return turns, peaks


def seconds_of_a_step(loop: Loop, work: Work, steps: int) -> float:
    """The mean over the last steps of a run; those before them warm up."""
    device, marks = work.images.device, {work.steps - steps: 0.0, work.steps: 0.0}

    def mark(step: int) -> None:
        if step in marks:
            marks[step] = now(device)

    loss = loop(work, mark)
    if not math.isfinite(loss):
        sys.exit(f"A loss of {loss} is no step whose time counts: give another --network or --size.")
    return (marks[work.steps] - marks[work.steps - steps]) / steps


def peak_of(device: torch.device, form: torch.dtype, side: int) -> float:
    """Operations per second of a large matrix product or a large convolution, whichever does more; the best of six."""
    side = side or (8192 if device.type == "cuda" else 2048)
    maps, images, draw = side // 8, max(1, side // 128), torch.Generator().manual_seed(0)
    a, b = torch.randn(2, side, side, generator=draw).to(device, form)
    kernel = torch.randn(maps, maps, 3, 3, generator=draw).to(device, form, memory_format=torch.channels_last)
    large = torch.randn(images, maps, 14, 14, generator=draw).to(device, form, memory_format=torch.channels_last)
    tasks = (
        (2 * side**3, lambda: torch.mm(a, b)),
        (2 * 9 * maps**2 * images * 14**2, lambda: torch.nn.functional.conv2d(large, kernel, padding=1)),
    )
    reached = []
    # In TF32 on CUDA, as convolutions of float32 are done there unless told otherwise.
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if device.type == "cuda" else before)
    for operations, task in tasks * 6:
        begin = now(device)
        task()
        reached.append(operations / (now(device) - begin))
    torch.set_float32_matmul_precision(before)
    return max(reached)


def now(device: torch.device) -> float:
    """Seconds, once all that was asked of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def memory_in_own_process(name: str) -> float:
    """Megabytes of a contestant that runs alone."""
    command = [sys.executable, str(Path(__file__).resolve()), *sys.argv[1:], "--memory-of", name]
    return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def memory_of(name: str, given: argparse.Namespace, device: torch.device) -> float:
    """Megabytes that a run takes at its peak, the images included."""
    loop = contestants(device)[name][0]
    if name in (PLAIN, PLAIN_FAST):
        import_module(f"{PEER}.losses")
    before = peak_megabytes()
    loop(random_work(given, device), lambda step: None)
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return peak_megabytes() - before


def peak_megabytes() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # because on Linux ru_maxrss begins with the peak of the process that started this one
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def table(
    loops: Mapping[str, tuple[Loop, str]],
    turns: Sequence[Mapping[str, float]],
    peaks: Mapping[str, float],
    memory: Mapping[str, float],
    work: Work,
) -> str:
    """Markdown, one line per contestant, and the ratios in a line each: above 1, ours is faster."""
    head = "| step | format | images/s | of plain's, median and range | share of the peak | peak memory |"
    lines = [head, "|" + "---|" * (head.count("|") - 1)]
    channels, height, width = work.images.shape[1:]
    operations = 6 * describe(work.built(), channels=channels, size=(height, width)).multiply_adds
    for name, (_, form) in loops.items():
        pace = work.images_per_step / statistics.median(turn[name] for turn in turns)
        ratio = told([turn[PLAIN] / turn[name] for turn in turns]) if PLAIN in loops else ""
        share = pace * operations / peaks[form]
        lines.append(f"| {name} | {form} | {pace:,.0f} | {ratio} | {share:.1%} | {memory[name]:,.0f} MB |")
    reached = ", ".join(f"{form} {peak / 1e9:,.0f}" for form, peak in peaks.items())
    lines.append(f"peak: {reached} billion operations a second; {operations / 1e6:,.1f} million an image")
    for other in (PLAIN, PLAIN_FAST):
        if other in loops:
            lines.append(f"{OURS_FAST} / {other}: {told([turn[other] / turn[OURS_FAST] for turn in turns])}")
    return "\n".join(lines)


def told(ratios: Sequence[float]) -> str:
    """As a table has it: "1.31 (1.22 to 1.40)"."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def place_of(device: torch.device) -> str:
    """The device in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"the CPU, {torch.get_num_threads()} threads"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="neighbor-mnist")
    parser.add_argument("--size", type=int, default=28, help="side of the images in pixels")
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--images", type=int, default=10_000, help="in memory; each step takes a few of them")
    parser.add_argument("--classes", type=int, default=10)
    for name in ("sets", "queries", "pool"):
        parser.add_argument(f"--{name}", type=int, default=getattr(NeighborSettings, name), help="of a step")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, help="of the CPU; as many as PyTorch takes if left out")
    parser.add_argument("--pairs", type=int, default=7, help="turns of all contestants")
    parser.add_argument("--steps", type=int, default=20, help="timed in each turn")
    parser.add_argument("--warm-up", type=int, default=5, help="steps before them")
    parser.add_argument("--matrix", type=int, default=0, help="side of the product for the peak; 0 suits the device")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)  # one contestant, as a process of its own
    given = parser.parse_args()
    for name in ("pairs", "steps", "warm_up", "threads"):
        if getattr(given, name) is not None and getattr(given, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1, not {getattr(given, name)}")
    return given


if __name__ == "__main__":
    try:
        main()
    except IlkError as error:
        sys.exit(str(error))
