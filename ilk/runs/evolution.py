"""Draw the units of a run at each epoch whose weights it kept."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from torch import nn

from ilk.errors import ModelError, UsageError
from ilk.insight.evolution import Moment, evolution, health
from ilk.insight.grid import draw_evolution
from ilk.measures import UnitHealth
from ilk.recipes import Space
from ilk.runs.events import Events
from ilk.runs.explain_options import ExplainOptions
from ilk.shapes import Pixels
from ilk.storage.run import Run
from ilk.storage.snapshots import kept_epochs, load_weights

MOST_IMAGES, MOST_UNITS, MOST_LAYERS = 10_000, 12, 24
FINAL = "final"


@dataclass(frozen=True)
class EvolutionPictures:
    """The pictures by layer, the names of the moments, the dead and saturated units, and on which images."""

    pictures: Sequence[tuple[str, bytes]] = ()
    moments: Sequence[str] = ()
    health: Sequence[UnitHealth] = ()
    looked_at: str = ""


def evolve(
    run: Run, space: Space, images: Pixels, layers: Sequence[str], options: ExplainOptions, events: Events
) -> EvolutionPictures:
    """The units of a run at each epoch that it kept, and at its end, on all of its images or a sample of them.

    Args:
        run: with kept weights.
        space: its final state.
        images: of the run, at the size and in the channels of the space.
        layers: all of the network; those that are drawn are `options.layer`, or up to 24 of them, evenly spread.
        options: also for one unit, else 12 of each layer are drawn; and the seed of these draws.
        events: for progress, and a sentence for each layer with dead or saturated units.
    Raises:
        UsageError: no kept weights, or no such layer or unit.
        ModelError: kept weights are damaged, or not of this network.
    """
    paths = required_epochs(run)
    draw = np.random.default_rng(options.seed)
    positions, which = sample_of(len(images), draw, options.seed)
    drawn = [options.layer] if options.layer is not None else evenly_spread(layers, MOST_LAYERS)
    widths = {layer: width_of(space.network, layer) for layer in drawn if layer in layers}
    units = {layer: units_of(widths.get(layer, 0), options.unit, draw) for layer in drawn}
    with events.progress("Evolution") as update:
        found = evolution(
            networks_of(paths, space.network),
            images[positions],
            units,
            on_progress=lambda name, done, total: update(done, total),
        )
    pictures = []
    for layer in drawn:
        few = f"{len(units[layer])} of {widths[layer]} units" if len(units[layer]) < widths[layer] else "all units"
        title = f"{space.network_name} {layer} over training, {few}"
        pictures.append((layer, picture_of(found, layer, units[layer], title, f"The strongest of {which}.")))
    return EvolutionPictures(pictures, [moment.name for moment in found], health(found), which)


def width_of(network: nn.Module, layer: str) -> int:
    """How many units a convolution has."""
    return cast(nn.Conv2d, network.get_submodule(layer)).out_channels


def required_epochs(run: Run) -> list[tuple[float, Path]]:
    """The epochs whose weights a run kept, each with its file.

    Raises:
        UsageError: there are none.
        ModelError: a file says no epoch.
    """
    if not (epochs := kept_epochs(run)):
        raise UsageError(
            f"The run {run.path} kept no weights of its epochs, so there is no evolution to show. Fit it again with "
            "the epochs to keep, for instance: ilk fit DATA `keep_epochs` 0,1,2,5"
        )
    return epochs


def networks_of(paths: Sequence[tuple[float, Path]], final: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The network at each kept epoch and at the end, one in memory at a time.

    Raises:
        ModelError: the weights of an epoch are damaged, or not those of this network.
    """
    for epoch, path in paths:
        network = copy.deepcopy(final)
        try:
            network.load_state_dict(load_weights(path))
        except RuntimeError as error:
            raise ModelError(f"{path} is not of this run's network. Fit the run again.") from error
        yield f"epoch {epoch:g}", network
    yield FINAL, final


def sample_of(count: int, draw: np.random.Generator, seed: int) -> tuple[np.ndarray, str]:
    """The positions of all images or of a sample of them, ascending, and which they are in words."""
    if count <= MOST_IMAGES:
        return np.arange(count), f"all {count:,} images"
    kept = np.sort(draw.choice(count, MOST_IMAGES, replace=False))
    return kept, f"{MOST_IMAGES:,} of {count:,} images, drawn with seed {seed}"


def units_of(width: int, unit: int | None, draw: np.random.Generator) -> list[int]:
    """The given unit, or all, or a sample in their order."""
    if unit is not None:
        return [unit]
    return sorted(draw.choice(width, min(width, MOST_UNITS), replace=False).tolist()) if width else []


def evenly_spread(layers: Sequence[str], most: int) -> list[str]:
    """All layers, or `most` of them from the first to the last."""
    if len(layers) <= most:
        return list(layers)
    return [layers[round(i * (len(layers) - 1) / (most - 1))] for i in range(most)]


def picture_of(found: Sequence[Moment], layer: str, units: Sequence[int], title: str, note: str) -> bytes:
    """The units of one layer at each moment."""
    states = [{unit: moment.tops[layer].state(unit) for unit in units} for moment in found]
    names = [moment.name for moment in found]
    return draw_evolution([moment.patches[layer] for moment in found], names, states, title=title, note=note)


def notes_of(found: Sequence[UnitHealth], names: Sequence[str]) -> list[str]:
    """A sentence for each layer of which a unit was dead or saturated at some moment."""
    sentences = []
    for one in found:
        for word, counts in (("dead", one.dead), ("saturated", one.saturated)):
            if any(counts):
                when = ", ".join(f"{count} at {name}" for count, name in zip(counts, names, strict=True))
                whole = [name for count, name in zip(counts, names, strict=True) if count == one.units]
                all_dead = f" The whole layer is {word} at {', '.join(whole)}." if whole else ""
                sentences.append(f"Layer {one.layer}, {word} units of {one.units}: {when}.{all_dead}")
    return sentences
