"""Exact nearest neighbors: Ilk's index beside FAISS's flat index, in pairs of runs, with the peak of memory.

Each time is building the index plus one search. The bar: at most 1.1 × FAISS's time, and never the full matrix of
distances.

    python benchmarks/neighbors.py
    python benchmarks/neighbors.py --points 5000 --queries 500 --pairs 2 --offset 1000
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable

import faiss
import numpy as np

from ilk.neighbors import NeighborIndex

CHECKED = 20


def main() -> None:
    settings = parse_arguments()
    rng = np.random.default_rng(settings.seed)
    points, queries = (
        (rng.standard_normal((n, settings.dim)) + settings.offset).astype(np.float32)
        for n in (settings.points, settings.queries)
    )

    def by_faiss() -> np.ndarray:
        index = faiss.IndexFlatL2(settings.dim)
        index.add(points)
        return index.search(queries, settings.k)[1]

    def by_ilk() -> np.ndarray:
        return NeighborIndex(points).search(queries, settings.k)[1]

    by_faiss()  # starts its threads and sets the memory that Ilk's peak is measured from
    before = peak_megabytes()
    pairs = []
    for turn in range(settings.pairs):
        # Who goes first changes, so that a drift of the machine's speed favors neither.
        order = (by_faiss, by_ilk) if turn % 2 == 0 else (by_ilk, by_faiss)
        taken = {run: timed(run) for run in order}
        pairs.append((taken[by_faiss][0], taken[by_ilk][0]))
    memory = peak_megabytes() - before
    truth = by_subtraction(points, queries[:CHECKED], settings.k)
    report(settings, pairs, memory, {run.__name__: (taken[run][1][:CHECKED] == truth).mean() for run in taken})


def by_subtraction(points: np.ndarray, queries: np.ndarray, k: int) -> np.ndarray:
    exact = [((points.astype(np.float64) - query) ** 2).sum(axis=1) for query in queries.astype(np.float64)]
    return np.argsort(exact, axis=1, kind="stable")[:, :k]


def timed(run: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def peak_megabytes() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def report(
    settings: argparse.Namespace, pairs: list[tuple[float, float]], memory: float, right: dict[str, float]
) -> None:
    ratios = [ilk / flat for flat, ilk in pairs]
    print("command:", "python", *sys.argv)
    print(f"n: {len(pairs)} pairs, {faiss.omp_get_max_threads()} threads, faiss {faiss.__version__}")
    for name, times in zip(("faiss flat", "ilk"), zip(*pairs, strict=True), strict=True):
        print(f"{name:10} median {statistics.median(times):.3f} s, {min(times):.3f} to {max(times):.3f} s")
    print(f"ratio      median {statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f} (bar 1.1)")
    print(f"right neighbors on {CHECKED} queries: FAISS {right['by_faiss']:.1%}, Ilk {right['by_ilk']:.1%}")
    full = settings.points * settings.queries * 4 / 2**20
    print(f"peak memory beyond FAISS's own {memory:.0f} MB; the full float32 matrix would be {full:.0f} MB")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=60_000)
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--k", type=int, default=5)
    parser.add_argument("--offset", type=float, default=0.0)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
