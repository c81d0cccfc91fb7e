"""Grids of what a network's layers see, as in figure 2 of Zeiler & Fergus: a network trained for a short while.

ZFNet on CIFAR-10 at 64 pixels unless said otherwise; the same units at the start, on the way and at the end as well.

    python benchmarks/grids.py DATA --out grids
    python benchmarks/grids.py DATA --out grids --time 1800 --network alexnet-2012
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from pathlib import Path

import torch
from torch import nn

from ilk.data import Dataset, hide_labels, load
from ilk.data.image_source import source_of
from ilk.insight.activations import top_activations
from ilk.insight.evolution import evolution
from ilk.insight.grid import draw_evolution, draw_units
from ilk.insight.patches import unit_patches
from ilk.insight.units import conv_layers
from ilk.methods import NeighborMethod, NeighborSettings
from ilk.networks import NETWORKS, build
from ilk.training import Callbacks, Settings, TimePlan, TrainingState, train

MOMENTS = (0.05, 0.2, 0.5)
"""Shares of the training after which the weights are kept, beside its start and its end."""


def main() -> None:
    settings = parse_arguments()
    torch.set_num_threads(settings.threads)
    settings.out.mkdir(parents=True, exist_ok=True)
    dataset = load(settings.data, split="train", size=settings.size)
    if settings.labels_per_class:
        dataset = hide_labels(dataset, per_class=settings.labels_per_class, subset=0)
    start = time.perf_counter()
    kept, state = trained(dataset, settings)
    print("command:", "python", *sys.argv)
    print(f"n: {len(dataset):,} images of {dataset.images.shape[1:]}, {len(dataset.labeled):,} of them labeled")
    rate = settings.rate or NETWORKS[settings.network].starting_rate
    print(f"training   {time.perf_counter() - start:.0f} s, {state.step:,} steps, rate {rate}")
    for name in ("labeled", "entropy"):
        print(f"{name:10} {' '.join(f'{record[name]:.2f}' for record in state.history)}")
    start = time.perf_counter()
    draw(kept, dataset, settings)
    print(f"pictures   {time.perf_counter() - start:.0f} s, in {settings.out}")


def trained(dataset: Dataset, asked: argparse.Namespace) -> tuple[list[tuple[str, nn.Module]], TrainingState]:
    """The network at the moments, the last one its end, and the state of its training."""
    channels, *size = dataset.images.shape[1:]
    network = build(asked.network, channels=channels, size=(size[0], size[1]), seed=asked.seed)
    settings = Settings(time_limit=asked.time, learning_rate=asked.rate)
    options = NeighborSettings(queries=asked.batch, pool=asked.batch)
    targets = torch.from_numpy(dataset.targets)
    state = TrainingState(NeighborMethod(network, source_of(dataset), targets, settings, options), settings)
    kept: list[tuple[str, nn.Module]] = [("step 0", copy.deepcopy(state.average))]

    due = list(MOMENTS)

    def keep(step: int, total: int | None) -> None:
        passed = [share for share in due if total is not None and step >= share * total]
        if passed:
            del due[: len(passed)]
            kept.append((f"step {step:,}", copy.deepcopy(state.average)))
        print(f"\rstep {step:,} of {total or 'about ?'}", end="", file=sys.stderr)

    train(
        state,
        settings,
        plan=TimePlan(asked.time, 0.0, time.monotonic()),
        callbacks=Callbacks(on_step=keep),
    )
    print(file=sys.stderr)
    return [*kept, ("the end", state.average)], state


def draw(kept: list[tuple[str, nn.Module]], dataset: Dataset, asked: argparse.Namespace) -> None:
    """Write units-LAYER.png and evolution-LAYER.png for each convolution."""
    images, last = dataset.images[: asked.images], kept[-1][1]
    for layer, top in top_activations(last, images).items():
        units = range(min(asked.units, len(top.active)))
        title = f"{asked.network} {layer}, units 0 to {len(units) - 1} of {len(top.active)}: {len(images):,} images"
        states = {unit: top.state(unit) for unit in units}
        picture = draw_units(unit_patches(last, images, top, units), states, title=title, note=top.note())
        (asked.out / f"units-{layer}.png").write_bytes(picture)
    few = {layer: list(range(asked.rows)) for layer in conv_layers(last)}
    found = evolution(kept, images[: asked.images // 5], few)
    for layer, rows in few.items():
        picture = draw_evolution(
            [moment.patches[layer] for moment in found],
            [moment.name for moment in found],
            [{unit: moment.tops[layer].state(unit) for unit in rows} for moment in found],
            title=f"{asked.network} {layer} over training",
        )
        (asked.out / f"evolution-{layer}.png").write_bytes(picture)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="images in any form that `ilk fit` takes")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--time", type=float, default=600, help="of the training, in seconds")
    parser.add_argument("--network", default="zfnet")
    parser.add_argument("--size", type=int, default=64, help="side of the images in pixels")
    parser.add_argument("--rate", type=float, help="learning rate; the network's own if left out")
    parser.add_argument("--batch", type=int, default=32, help="queries, and unlabeled images, of a step")
    parser.add_argument("--labels-per-class", type=int, help="of an experiment; all labels unless said")
    parser.add_argument("--images", type=int, default=10_000, help="that the units are shown")
    parser.add_argument("--units", type=int, default=32, help="per layer, in a grid")
    parser.add_argument("--rows", type=int, default=10, help="units per layer over training")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
