"""The nine images that drive each unit of a run's network hardest, with their deconvolutions: time and peak of memory.

The bar: 60,000 images of MNIST in under 2 minutes on 2 cores, with memory that does not grow with their number.

    python benchmarks/top9.py RUN DATA
    python benchmarks/top9.py RUN DATA --images 10000 --out grids
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

import torch

from ilk.data import load
from ilk.insight.activations import top_activations
from ilk.insight.grid import draw_units
from ilk.insight.patches import unit_patches
from ilk.model.bundle import load_bundle
from ilk.recipes import space_of
from ilk.storage.run import open_run


def main() -> None:
    settings = parse_arguments()
    torch.set_num_threads(settings.threads)
    space = space_of(load_bundle(open_run(settings.run).model))
    images = load(settings.data, split="train", size=space.size, channels=space.channels).images[: settings.images]
    before = peak_megabytes()
    start = time.perf_counter()
    tops = top_activations(space.network, images)
    found = time.perf_counter() - start
    for layer, top in tops.items():
        units = range(min(settings.units, len(top.active)))
        seen = unit_patches(space.network, images, top, units)
        states = {unit: top.state(unit) for unit in units}
        picture = draw_units(seen, states, title=f"{layer}, {len(images):,} images", note=top.note())
        if settings.out:
            settings.out.mkdir(exist_ok=True)
            (settings.out / f"{layer}.png").write_bytes(picture)
    whole = time.perf_counter() - start
    print("command:", "python", *sys.argv)
    print(f"n: {len(images):,} images of {images.shape[1:]}, {len(tops)} layers, {settings.threads} threads")
    print(f"top 9      {found:.1f} s")
    print(
        f"whole      {whole:.1f} s with deconvolutions and pictures of up to {settings.units} units a layer (bar 120 s)"
    )
    print(f"peak memory beyond the images {peak_megabytes() - before:.0f} MB")


def peak_megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a finished run")
    parser.add_argument("data", help="what it was fitted on, or other images")
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--units", type=int, default=16, help="per layer, to be drawn")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="folder for the pictures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
