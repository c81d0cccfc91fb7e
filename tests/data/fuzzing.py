"""Mutated images and label files, each made from its number alone and tried in a process that is watched.

Run as a program with KIND FIRST STEP END, it tries the cases FIRST, FIRST + STEP, ... below END. It prints one line for
each at once, so that the number of lines names the case in which it crashed or hung, and a last line with the slowest
case and the most memory. `python -m tests.data.fuzzing KIND NUMBER` tries one case again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SIZE = (32, 32)
MOST_PIXELS = 100_000_000
SECONDS, PATIENCE = 5.0, 60.0
LONGEST_REASON = 1000
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x00010000, 0x80000000, 9_000, 70_000)

Mutation = Callable[[bytearray, np.random.Generator, list[bytes]], bytes]


def flipped(data: bytearray, rng: np.random.Generator, others: list[bytes]) -> bytes:
    for place in rng.integers(len(data), size=int(rng.integers(1, 17))):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def overwritten(data: bytearray, rng: np.random.Generator, others: list[bytes]) -> bytes:
    for place in rng.integers(len(data), size=int(rng.integers(1, 9))):
        data[place] = int(rng.integers(256))
    return bytes(data)


def cut(data: bytearray, rng: np.random.Generator, others: list[bytes]) -> bytes:
    return bytes(data[: rng.integers(len(data))])


def stretch(data: bytearray, rng: np.random.Generator) -> tuple[int, int]:
    """The two ends of a part."""
    start = int(rng.integers(len(data)))
    return start, start + int(rng.integers(1, 1 + min(len(data) - start, 4 ** int(rng.integers(1, 6)))))


def doubled(data: bytearray, rng: np.random.Generator, others: list[bytes]) -> bytes:
    start, end = stretch(data, rng)
    return bytes(data[:end] + data[start:end] * int(rng.integers(1, 50)) + data[end:])


def dropped(data: bytearray, rng: np.random.Generator, others: list[bytes]) -> bytes:
    start, end = stretch(data, rng)
    return bytes(data[:start] + data[end:])


def zeroed(data: bytearray, rng: np.random.Generator, others: list[bytes]) -> bytes:
    start, end = stretch(data, rng)
    return bytes(data[:start]) + (b"\0", b"\xff")[int(rng.integers(2))] * (end - start) + bytes(data[end:])


def spliced(data: bytearray, rng: np.random.Generator, others: list[bytes]) -> bytes:
    other = others[int(rng.integers(len(others)))]
    return bytes(data[: rng.integers(len(data))]) + other[int(rng.integers(len(other))) :]


def numbered(data: bytearray, rng: np.random.Generator, others: list[bytes]) -> bytes:
    """A number of one, two or four bytes, often in the header, becomes an extreme one."""
    width = (1, 2, 4)[int(rng.integers(3))]
    within = min(len(data), 128) if rng.random() < 0.7 else len(data)
    place = int(rng.integers(max(1, within - width)))
    value = EXTREMES[int(rng.integers(len(EXTREMES)))] & (256**width - 1)
    data[place : place + width] = value.to_bytes(width, "big" if rng.random() < 0.5 else "little")
    return bytes(data)


MUTATIONS: tuple[Mutation, ...] = (flipped, overwritten, cut, doubled, dropped, zeroed, spliced, numbered, numbered)


def with_right_checksums(data: bytes) -> bytes:
    """A PNG whose chunks fit their checksums again, so that what is wrong with them is met."""
    parts, place = [data[:8]], 8
    while len(head := data[place : place + 8]) == 8:
        length = int.from_bytes(head[:4], "big")
        content = data[place + 8 : place + 8 + length]
        parts += [head, content, zlib.crc32(head[4:] + content).to_bytes(4, "big")]
        place += 12 + length
    return b"".join(parts)


@cache
def seeds(kind: str) -> dict[str, bytes]:
    from tests.data.seeds import image_files, label_files

    return image_files() if kind == "images" else label_files()


def mutated(kind: str, number: int) -> tuple[str, bytes]:
    """The case of a number: its name, and the bytes of the file."""
    if kind == "nothing":
        return f"nothing {number}", str(number).encode()
    files = seeds(kind)
    rng = np.random.default_rng([number, len(kind)])
    name = list(files)[number % len(files)]
    data, ways = files[name], []
    for _ in range(1 + int(rng.integers(3))):
        way = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
        ways.append(way.__name__)
        data = way(bytearray(data or b"\0"), rng, list(files.values()))
    if name.startswith("png") and number % 4:
        data = with_right_checksums(data)
    return f"{kind} {number}: {name}, {' and '.join(ways)}", data


def try_image(data: bytes, folder: Path) -> str:
    """What became of an image: "used", or the reason; anything else is raised."""
    from ilk.data.decoding import decode, quiet, read_header
    from ilk.data.file_checks import UndecodableError

    with quiet():
        try:
            read_header(data, MOST_PIXELS)
            pixels = decode(data, SIZE, MOST_PIXELS)
        except UndecodableError as error:
            return str(error)
    if pixels.dtype != np.uint8 or pixels.shape not in ((1, *SIZE), (3, *SIZE)):
        raise AssertionError(f"pixels of {pixels.dtype} and shape {pixels.shape}")
    return "used"


def try_labels(data: bytes, folder: Path) -> str:
    """What became of a label file: "used", or the words of its refusal; anything else is raised."""
    from ilk.data.filename_matching import Names
    from ilk.data.labels_table import read_labels
    from ilk.errors import LabelsFileError
    from tests.data.seeds import NAMES

    path = folder / f"labels-{os.getpid()}.csv"
    path.write_bytes(data)
    try:
        table = read_labels(path, Names(folder, NAMES))
    except LabelsFileError as error:
        if str(path) not in str(error):
            raise AssertionError(f"no file is named in: {error}") from error
        return str(error).replace(str(path), "")
    if table.rows != len(table.labels) + table.duplicates + len(table.unmatched):
        raise AssertionError("rows are lost")
    return "used"


def try_nothing(data: bytes, folder: Path) -> str:
    """A reader with three faults, to see that each is found."""
    number = int(data)
    if number == 10:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 13:
        time.sleep(1000)
    if number == 15:
        raise IndexError("out of range")
    return "used"


TRIES = {"images": try_image, "labels": try_labels, "nothing": try_nothing}


def complaint(said: str, seconds: float) -> str | None:
    """What is wrong with an outcome that was no crash."""
    if seconds > SECONDS:
        return f"it took {seconds:.1f} s"
    if not said.strip() or len(said) > LONGEST_REASON:
        return f"a reason of {len(said)} characters: {said[:100]!r}"
    return None


def work(kind: str, first: int, step: int, end: int) -> None:
    """Try every case of one worker, in the present folder."""
    import ilk.data

    slowest, before = (0.0, ""), peak_megabytes(ilk.data)
    for number in range(first, end, step):
        name, data = mutated(kind, number)
        begun, wrong = time.process_time(), None
        try:
            said = TRIES[kind](data, Path.cwd())
        except Exception as error:
            said, wrong = "unnamed", f"{type(error).__name__}: {error}"
        seconds = time.process_time() - begun
        slowest = max(slowest, (seconds, name))
        wrong = wrong or complaint(said, seconds)
        print(
            json.dumps(["failed", f"{name}: {wrong}"] if wrong else ["used" if said == "used" else "named"]), flush=True
        )
    print(json.dumps(["end", slowest, peak_megabytes() - before]), flush=True)


def peak_megabytes(imported: object = None) -> float:
    """The most memory that this process has held so far, in MB of a million bytes; from now on, after an import."""
    if imported:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


@dataclass
class Fuzzed:
    """What came of many cases: how many were used, named or failed; the failures; the slowest; the most memory."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    peak: float = 0.0

    def take(self, lines: list[list]) -> None:
        """What a worker printed."""
        for what, *more in lines:
            if what == "end":
                self.slowest = max(self.slowest, tuple(more[0]))
                self.peak = max(self.peak, more[1])
            else:
                self.outcomes[what] += 1
                self.failures += more


@dataclass(frozen=True)
class Worker:
    """A process that tries the cases first, first + step, ... below `end`; its words go to `said`."""

    kind: str
    first: int
    step: int
    end: int
    folder: Path

    @property
    def said(self) -> Path:
        return self.folder / f"said-{self.first}"

    def start(self) -> subprocess.Popen[bytes]:
        given = [self.kind, *map(str, (self.first, self.step, self.end))]
        with self.said.open("wb") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.data.fuzzing", *given],
                stdout=said,
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            )

    def lines(self) -> list[list]:
        return [json.loads(line) for line in self.said.read_text().splitlines()]


def fuzz(kind: str, count: int, folder: Path, workers: int = 2) -> Fuzzed:
    """Try cases 0 to `count` in worker processes; one that dies or hangs is named, and another goes on behind it."""
    found = Fuzzed()
    waiting = [Worker(kind, first, workers, count, folder) for first in range(workers)]
    running = {worker: worker.start() for worker in waiting}
    while running:
        time.sleep(0.02)
        for worker, process in list(running.items()):
            stuck = time.time() - worker.said.stat().st_mtime > PATIENCE
            if process.poll() is None and not stuck:
                continue
            process.kill()
            process.wait()
            del running[worker]
            found.take(lines := worker.lines())
            number = worker.first + len(lines) * worker.step
            if process.returncode != 0:
                why = "no end" if stuck else f"died ({process.returncode})"
                found.take([["failed", f"{mutated(kind, number)[0]}: {why}"]])
                if number + workers < count:
                    heir = replace(worker, first=number + workers)
                    running[heir] = heir.start()
    return found


if __name__ == "__main__":
    which, numbers = sys.argv[1], [int(text) for text in sys.argv[2:5]]
    if len(numbers) == 3:
        work(which, *numbers)
    else:
        title, content = mutated(which, numbers[0])
        print(title, TRIES[which](content, Path.cwd()), sep="\n")
