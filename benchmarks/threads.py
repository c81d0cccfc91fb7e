"""What a training step and a whole fit take with 1, 2 … threads, alone and beside another program.

The cells take turns, each in a process of its own, so that ratios are of the same minutes. What the rest of the machine
took meanwhile is measured too (Linux): "others" are the cores that neither the process nor the busy program used.

    python benchmarks/threads.py steps --rounds 5
    python benchmarks/threads.py fit ../shared/data/mnist --against ../ilk-before
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
POLICIES = {
    "unset": {},
    "PASSIVE": {"OMP_WAIT_POLICY": "PASSIVE"},
    "ACTIVE": {"OMP_WAIT_POLICY": "ACTIVE"},
    "short": {"GOMP_SPINCOUNT": "3000"},
}
"""How a waiting thread waits, by the variables that say so; unset, GNU's library spins 300,000 times, then sleeps."""
CLEARED = {"OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}
CHOSEN = "chosen"
BUSY = (sys.executable, "-c", "while True: pass")
PLACES = ("alone", "beside")
WARM_UP = 5


@dataclass
class Cell:
    """One way to run, and what was measured of it.

    Args:
        name: for the table.
        command: of a process, which prints a JSON list of seconds as its last line, or whose time itself counts.
        variables: of its environment, beside those of this process.
        beside: whether one busy program runs on the same cores.
        turns: the seconds of each turn: of its steps, or of the whole process.
        others: for each turn, how many cores other programs used meanwhile; NaN where that cannot be seen.
    """

    name: str
    command: tuple[str, ...]
    variables: dict[str, str]
    beside: bool
    turns: list[list[float]] = field(default_factory=list)
    others: list[float] = field(default_factory=list)


def main() -> None:
    given = parse_arguments()
    if given.what == "child":
        print(json.dumps(seconds_of_steps(given.steps, chosen=given.chosen)))
        return
    print("command:", "python", *sys.argv)
    cells = step_cells(given) if given.what == "steps" else fit_cells(given)
    for number in range(given.rounds):
        # Who goes first changes, so that a drift of the machine's speed favors none.
        for cell in cells if number % 2 == 0 else cells[::-1]:
            measure(cell, steps=given.what == "steps")
        print(f"after round {number + 1}, load {os.getloadavg()[0]:.1f}", flush=True)
    print(table(cells, 1000.0 if given.what == "steps" else 1.0), flush=True)


def step_cells(given: argparse.Namespace) -> list[Cell]:
    """Every count under every policy, and the count that training chooses; alone and beside."""
    counts = [1, *(2**power for power in range(1, 12) if 2**power < given.threads), given.threads]
    ways = list(itertools.product(dict.fromkeys(map(str, counts)), given.policies))
    ways += [(CHOSEN, policy) for policy in given.policies if given.chosen]
    cells = []
    for (count, policy), beside in itertools.product(ways, places(given)):
        command: tuple[str, ...] = (sys.executable, str(Path(__file__)), "child", "--steps", str(given.steps))
        variables = {"PYTHONPATH": str(ROOT), **POLICIES[policy]}
        if count == CHOSEN:
            command = (*command, "--chosen")
        else:
            variables["OMP_NUM_THREADS"] = count
        cells.append(Cell(f"{count} threads, policy {policy}", command, variables, beside))
    return cells


def fit_cells(given: argparse.Namespace) -> list[Cell]:
    """`ilk fit` of this working tree, and of another one; alone and beside."""
    trees = {"this": ROOT} | ({"the other": Path(given.against).resolve()} if given.against else {})
    cells = []
    for (name, tree), beside in itertools.product(trees.items(), places(given)):
        command: tuple[str, ...] = (sys.executable, "-m", "ilk", "fit", given.data)
        command += ("--labels-per-class", "10", "--quiet")
        command += ("--epochs", str(given.epochs), "--overwrite", "--out", tempfile.mkdtemp(prefix="ilk-threads-"))
        cells.append(Cell(f"{name} tree", command, {"PYTHONPATH": str(tree)}, beside))
    return cells


def places(given: argparse.Namespace) -> list[bool]:
    """Whether a busy program runs beside, for each place that is measured."""
    return [PLACES.index(place) == 1 for place in given.places]


def measure(cell: Cell, *, steps: bool) -> None:
    """Run a cell's process once, and note its seconds and the load of the machine meanwhile."""
    environment = {k: v for k, v in os.environ.items() if k not in CLEARED} | cell.variables
    with company(cell.beside):
        before, begun, own = busy_seconds(), time.monotonic(), children_seconds()
        done = subprocess.run(cell.command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        wall, own = time.monotonic() - begun, children_seconds() - own
        used = busy_seconds() - before
    cell.turns.append(json.loads(done.stdout.splitlines()[-1]) if steps else [wall])
    cell.others.append((used - own) / wall)  # the busy program among them
    typical = statistics.median(cell.turns[-1])
    print(f"{cell.name}, {PLACES[cell.beside]}: {typical:.3f} s, others {cell.others[-1]:.1f} cores", flush=True)


@contextmanager
def company(wanted: bool) -> Iterator[None]:
    """Another program of one thread that never waits, for as long as the block runs."""
    if not wanted:
        yield
        return
    program = subprocess.Popen(BUSY)
    try:
        yield
    finally:
        program.kill()
        program.wait()


def busy_seconds() -> float:
    """Seconds that all cores together have worked since the machine began; NaN where that cannot be seen."""
    try:
        figures = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    except OSError:
        return float("nan")
    user, nice, system, _idle, _waiting, interrupts, soft = figures[:7]
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


def children_seconds() -> float:
    """Seconds of processor time of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds_of_steps(steps: int, *, chosen: bool) -> list[float]:
    """Training steps of 158 images of 28×28 pixels through neighbor-mnist, forth and back, after 5 that warm up.

    With `chosen` the steps of the first look at all counts are among them.
    """
    import torch
    from laboratory.loops import ours, random_work

    work = argparse.Namespace(
        network="neighbor-mnist",
        images=10_000,
        channels=1,
        size=28,
        classes=10,
        seed=0,
        sets=3,
        queries=32,
        pool=96,
        warm_up=WARM_UP,
        steps=steps,
    )
    marks: list[float] = []
    follow = by_pace(torch.get_num_threads()) if chosen else None

    def mark(step: int) -> None:
        marks.append(time.perf_counter())
        if follow and step >= WARM_UP:
            torch.set_num_threads(follow(marks[-1] - marks[-2]))

    ours(random_work(work, torch.device("cpu")), mark, precision="float32")
    return [later - sooner for sooner, later in itertools.pairwise(marks[WARM_UP - 1 :])]


def by_pace(most: int) -> Callable[[float], int]:
    """Told the seconds of each step, answers how many threads the next one takes, as a run of `ilk fit` does."""
    from ilk.training.threads import ThreadChooser, candidates

    chooser, made = ThreadChooser(candidates(most)), list[float]()

    def follow(seconds: float) -> int:
        made.append(seconds)
        if len(made) == chooser.next()[1]:
            chooser.add(made)
            made.clear()
        return chooser.next()[0]

    return follow


def table(cells: Sequence[Cell], unit: float) -> str:
    """Markdown: median over all, median of the turns' medians with their range, the slowest, and the load."""
    lines = ["| | | median | mean | turns' medians | slowest | cores of others |", "|---|---|---|---|---|---|---|"]
    for cell in cells:
        every = [unit * seconds for turn in cell.turns for seconds in turn]
        medians = [unit * statistics.median(turn) for turn in cell.turns]
        lines.append(
            f"| {cell.name} | {PLACES[cell.beside]} | {statistics.median(every):.1f} | {statistics.fmean(every):.1f} | "
            f"{min(medians):.1f} to {max(medians):.1f} | {max(every):.1f} | "
            f"{min(cell.others):.1f} to {max(cell.others):.1f} |"
        )
    return "\n".join(lines)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    steps = what.add_parser("steps", help="training steps of 158 images")
    steps.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="at most")
    steps.add_argument("--policies", nargs="+", choices=POLICIES, default=["unset", "PASSIVE"])
    steps.add_argument("--steps", type=int, default=30, help="of each turn")
    steps.add_argument("--rounds", type=int, default=5, help="turns of each cell")
    steps.add_argument("--no-chosen", dest="chosen", action="store_false", help="without the count chosen by pace")
    fit = what.add_parser("fit", help="ilk fit, from its first line to its last")
    fit.add_argument("data", help="MNIST's folder")
    fit.add_argument("--against", metavar="TREE", help="another working tree of Ilk")
    fit.add_argument("--epochs", type=float, default=0.15)
    fit.add_argument("--rounds", type=int, default=3, help="turns of each cell")
    for parser_of in (steps, fit):
        parser_of.add_argument("--places", nargs="+", choices=PLACES, default=list(PLACES))
    child = what.add_parser("child")
    child.add_argument("--chosen", action="store_true")
    child.add_argument("--steps", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
