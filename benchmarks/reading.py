"""How fast images are read: a check of many small files, JPEGs beside plain Pillow, and photographs of odd sizes.

    check    `ilk check` as a command on N small files: seconds and peak memory. The bar: 100,000 files in 2 minutes.
    pace     load() beside the plain Pillow loop with as many threads, in pairs of runs. The bar: 90% of its pace.
    photos   load() of N photographs of 1 to 12 megapixels. The bar: 2,000 of them in 30 s.

All files are made here, in a temporary folder, from a seed; `pace` and `photos` write a few different images and link
them under many names, so the disk's cache is warm for both sides.

    python benchmarks/reading.py check pace photos
    python benchmarks/reading.py check --files 10000
    python benchmarks/reading.py pace --jpegs 500 --side 1024 --pairs 3
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from ilk.data import load

TARGET = 32
FOLDERS = 100
MEGAPIXELS = (1.0, 2.1, 3.1, 5.0, 8.0, 12.2)


def main() -> None:
    settings = parse_arguments()
    parts = {"check": check, "pace": pace, "photos": photos}
    for name in settings.parts:
        with tempfile.TemporaryDirectory() as folder:
            parts[name](settings, Path(folder), np.random.default_rng(settings.seed))


def check(settings: argparse.Namespace, folder: Path, rng: np.random.Generator) -> None:
    contents = [encoded(scene(rng, 48, 48), form) for form in ("JPEG", "PNG") for _ in range(20)]
    for number in range(settings.files):
        place = folder / f"class{number % FOLDERS}"
        place.mkdir(exist_ok=True)
        content = contents[number % len(contents)]
        (place / f"{number:06}{'.jpg' if content[0] == 0xFF else '.png'}").write_bytes(content)
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", "from ilk.cli import main; main()", "check", str(folder), "--split", "all"]
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    print(f"check   {settings.files:,} files: {seconds:.1f} s, peak memory {usage.ru_maxrss / 1024:,.0f} MB")


def pace(settings: argparse.Namespace, folder: Path, rng: np.random.Generator) -> None:
    side = settings.side
    link(folder, [encoded(scene(rng, side, side * 4 // 3), "JPEG") for _ in range(20)], settings.jpegs)
    paths = sorted(folder.iterdir())
    threads = len(os.sched_getaffinity(0))

    def by_pillow() -> np.ndarray:
        with ThreadPoolExecutor(threads) as pool:
            return np.stack(list(pool.map(plain, paths)))

    def by_ilk() -> np.ndarray:
        return load(folder, size=TARGET).images

    by_pillow(), by_ilk()
    ratios, seconds = [], []
    for turn in range(settings.pairs):
        # Who goes first changes, so that a drift of the machine's speed favors neither.
        order = (by_pillow, by_ilk) if turn % 2 == 0 else (by_ilk, by_pillow)
        taken = {run: timed(run) for run in order}
        ratios.append(taken[by_pillow] / taken[by_ilk])
        seconds.append((taken[by_pillow], taken[by_ilk]))
    pillow, ilk = (statistics.median(column) for column in zip(*seconds, strict=True))
    print(
        f"pace    {settings.jpegs:,} JPEGs of {side * 4 // 3} x {side}: Pillow {pillow:.2f} s, Ilk {ilk:.2f} s, "
        f"pace {statistics.median(ratios):.0%} ({min(ratios):.0%} to {max(ratios):.0%}, {len(ratios)} pairs)"
    )


def photos(settings: argparse.Namespace, folder: Path, rng: np.random.Generator) -> None:
    shapes = [
        (int((m * 1e6 / ratio) ** 0.5), int((m * 1e6 * ratio) ** 0.5)) for m in MEGAPIXELS for ratio in (1.33, 0.7)
    ]
    contents = [encoded(scene(rng, *shape), "JPEG") for shape in shapes]
    link(folder, contents, settings.photos)
    seconds = timed(lambda: load(folder))
    megabytes = sum(map(len, contents)) / len(contents) / 1e6
    print(
        f"photos  {settings.photos:,} of {MEGAPIXELS[0]} to {MEGAPIXELS[-1]} megapixels ({megabytes:.1f} MB each): "
        f"{seconds:.1f} s, {1000 * seconds / settings.photos:.1f} ms each"
    )


def plain(path: Path) -> np.ndarray:
    """What a good engineer writes without Ilk."""
    with Image.open(path) as image:
        image.draft("RGB", (2 * TARGET, 2 * TARGET))
        image.load()
        return np.asarray(image.convert("RGB").resize((TARGET, TARGET), Image.Resampling.BILINEAR))


def scene(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """Soft color gradients with detail and some grain, so that a JPEG has the bytes of a photograph."""
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    fine = rng.integers(0, 256, (max(1, height // 8), max(1, width // 8), 3), dtype=np.uint8)
    size = (width, height)
    mixed = Image.blend(
        *(Image.fromarray(part).resize(size, Image.Resampling.BICUBIC) for part in (coarse, fine)), alpha=0.3
    )
    grain = rng.normal(0, 7, (height, width, 1))
    return Image.fromarray(np.clip(np.asarray(mixed) + grain, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, form: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **({"quality": 85} if form == "JPEG" else {}))
    return stream.getvalue()


def link(folder: Path, contents: Sequence[bytes], count: int) -> None:
    for number in range(count):
        path = folder / f"{number:06}.jpg"
        if number < len(contents):
            path.write_bytes(contents[number])
        else:
            os.link(folder / f"{number % len(contents):06}.jpg", path)


def timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=("check", "pace", "photos"), default=("check", "pace", "photos"))
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--jpegs", type=int, default=500)
    parser.add_argument("--side", type=int, default=768, help="the shorter side of a JPEG in pixels")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
