"""What survives what: each bar of reliability, quick or in full, run by the tests' own functions, as one table.

A bar is a set of tests: with --quick those that `make test` holds, else those that try the full number of cases. A row
says how many cases were as they must be, what the tests measured, the seconds, and the most memory of a process. A bar
whose row is in the file is passed over, so a benchmark that was stopped goes on where it was; one that failed keeps its
row, says so, and is tried again when it is asked for by --only.

    python benchmarks/reliability.py
    python benchmarks/reliability.py --quick --out quick.json
    python benchmarks/reliability.py --only images nan onnx
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from laboratory.rows import Row, rows_of, save

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Bar:
    """What must hold, the tests that hold it, and how many cases they try.

    Args:
        what: in words.
        tests: what pytest is given.
        quick: how many cases the quick tests among them try; None: each test is one.
        full: how many cases the full form tries.
        marks: which of the tests the full form runs.
    """

    what: str
    tests: tuple[str, ...]
    quick: int | None
    full: int | str | None
    marks: str = "slow"


BARS = {
    "kill": Bar(
        "kill -9 at a random moment, resumed: weights, metrics.csv and predictions.csv bit for bit",
        ("tests/cli/test_killed.py",),
        3,
        50,
    ),
    "checkpoint": Bar(
        "killed at a write, fsync, rename or folder fsync of a checkpoint: the last or the one before loads",
        ("tests/storage/test_killed.py::test_each_death_leaves_the_last_checkpoint_or_the_one_before",),
        20,
        200,
    ),
    "order": Bar(
        "stopped at each of ten epoch boundaries in a row: the order of the images is the same",
        ("tests/training/test_faults.py", "-k", "stopped_at_each_epoch_in_a_row"),
        10,
        10,
        "not slow",
    ),
    "disk": Bar(
        "disk full from the i-th change on: exit 5, path and bytes named, the checkpoint before loads",
        ("tests/cli/test_full_disk.py", "-k", "full_from_any"),
        10,
        "every i",
    ),
    "nan": Bar(
        "a number that is not finite at step 1, 10, 1000 in loss, gradient, input: skipped and counted",
        ("tests/training/test_faults.py", "-k", "one_bad_step"),
        None,
        None,
        "slow or not slow",
    ),
    "images": Bar(
        "damaged or odd images of 20 kinds: equal to a reference decoding, or named with the right reason",
        ("tests/data/test_odd_images.py",),
        100,
        1_000,
    ),
    "mutated": Bar(
        "mutated images and label files: no crash, no hang over 5 s, no unnamed failure",
        ("tests/data/test_mutated.py", "-k", "used_or_named"),
        500,
        120_000,
    ),
    "labels": Bar(
        "label files, the expected outcome written first",
        ("tests/cli/test_label_files.py", "-k", "that"),
        None,
        None,
        "not slow",
    ),
    "entries": Bar(
        "a folder of very many entries, some of them pipes, links and folders: each accounted for",
        ("tests/data/test_odd_places.py", "-k", "very_many"),
        2_000,
        100_000,
    ),
    "untouched": Bar(
        "every command leaves bytes, times and permissions of a user's files",
        ("tests/cli/test_untouched.py",),
        15,
        15,
        "not slow",
    ),
    "flip": Bar(
        "a bundle with one flipped bit: exit 4, reason named",
        ("tests/model/test_damage.py", "-k", "flipped"),
        200,
        10_000,
    ),
    "damage": Bar(
        "a bundle cut off, longer, members swapped, missing, added, zeroed: exit 4, reason named",
        ("tests/model/test_damage.py", "-k", "larger"),
        70,
        1_000,
    ),
    "hostile": Bar(
        "hostile bundles, refused within 1 s and 100 MB",
        ("tests/model/test_hostile.py", "-k", "hostile_model"),
        None,
        None,
        "not slow",
    ),
    "audit": Bar(
        "an audit hook: loading a bundle runs, imports, connects and writes nothing",
        ("tests/model/test_hostile.py", "-k", "loading_a_whole_model or the_watch"),
        None,
        None,
        "not slow",
    ),
    "onnx": Bar(
        "ONNX parity of both networks of table 3: within 1e-4 of the RMS, the same nearest neighbor",
        ("tests/model/test_onnx.py", "-k", "parity"),
        200,
        2_000,
    ),
    "same": Bar(
        "the same bytes whatever the order of a folder, workers, place, language, time zone",
        ("tests/cli/test_same_bytes.py",),
        1,
        23,
    ),
}


def main() -> None:
    given = parse_arguments()
    form = "quick" if given.quick else "full"
    budget = {"form": form, "commit": commit(), "torch": torch.__version__}
    rows = rows_of(given.out, budget)
    print("command:", "python", *sys.argv)
    print(f"{budget}; {given.threads} threads", flush=True)
    for name in given.only or BARS:
        if name not in rows or (given.only and rows[name]["figure"] != "all"):
            rows[name] = row_of(BARS[name], form, given.threads)
            save(given.out, budget, rows)
            print(f"{name}: {rows[name]}", flush=True)
    print(table({name: rows[name] for name in BARS if name in rows}, form))
    sys.exit(any(row["figure"] != "all" for row in rows.values()))


def row_of(bar: Bar, form: str, threads: int) -> Row:
    """One run of pytest: what came of it, how long it took, and its largest process."""
    marks = "not slow" if form == "quick" else bar.marks
    command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", "-m", marks, *bar.tests]
    env = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    begun = time.monotonic()
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "figure": outcome(said, process.returncode),
        "cases": (bar.quick if form == "quick" else bar.full) or passed(said),
        "measured": "; ".join(re.findall(r"^\d[\d,]* \w+ = .*$", said, re.MULTILINE)),
        "seconds": time.monotonic() - begun,
        "megabytes": usage.ru_maxrss * 1024 / 1e6,
        "command": shown(marks, bar),
    }


def outcome(said: str, code: int) -> str:
    """ "all" if each test passed; else which did not, or that none was run, in the words of pytest."""
    last = said.strip().splitlines()[-1] if said.strip() else "nothing was said"
    whole = code == 0 and " passed" in last and "skipped" not in last
    return "all" if whole else "; ".join([*re.findall(r"^FAILED (.*)$", said, re.MULTILINE)[:3], last])


def passed(said: str) -> int:
    """How many tests passed."""
    found = re.search(r"(\d+) passed", said)
    return int(found[1]) if found else 0


def shown(marks: str, bar: Bar) -> str:
    """What a reader types to run the same."""
    words = [f"'{word}'" if " " in word else word for word in bar.tests]
    return " ".join(["pytest", *(["-m", f"'{marks}'" if " " in marks else marks] if marks else []), *words])


def commit() -> str:
    """What was run; "-dirty" where files differ from it."""
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def table(rows: dict[str, Row], form: str) -> str:
    """Markdown, one line per bar."""
    lines = [
        f"| bar | command | {form} | measured | seconds | peak memory, tests included |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        cases = f"{row['cases']:,}" if isinstance(row["cases"], int) else row["cases"]
        count = f"{cases} of {cases}" if isinstance(row["cases"], int) else cases
        count = count if row["figure"] == "all" else row["figure"]
        cells = [BARS[name].what, f"`{row['command']}`", count, row["measured"], f"{row['seconds']:.0f}"]
        lines.append("| " + " | ".join(map(str, [*cells, f"{row['megabytes']:,.0f} MB"])) + " |")
    return "\n".join(lines)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=BARS, metavar="BAR", help=f"of {', '.join(BARS)}")
    parser.add_argument("--quick", action="store_true", help="what `make test` holds, in place of the full numbers")
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    parser.add_argument("--out", type=Path, default=Path("runs/reliability.json"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
