"""Draw the units of a run: the images with the strongest activation, and how those changed in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ilk.errors import UsageError
from ilk.insight.activations import TopActivations, top_activations
from ilk.insight.grid import draw_units
from ilk.insight.patches import unit_patches
from ilk.measures import UnitHealth
from ilk.recipes import Space
from ilk.report.explanation import GridPicture
from ilk.runs.events import Events
from ilk.runs.evolution import EvolutionPictures, evolve, notes_of
from ilk.runs.explain_options import ExplainOptions
from ilk.runs.request import request_of
from ilk.shapes import Pixels
from ilk.storage.files import write_bytes, write_error
from ilk.storage.run import Run, read_config

MOST_UNITS = 48
AS_GRID = (
    "For each unit: on the left what its strongest images hold for it, on the right the patches that its receptive "
    "field covers."
)
AS_EVOLUTION = (
    "One row for each unit, one column for each moment of the training; in each cell the image that drove the unit "
    "hardest at that moment: on the left what it held for the unit, on the right the patch that its receptive field "
    "covers. An empty cell: no image drove it."
)


@dataclass(frozen=True)
class Portraits:
    """What the page shows of the units over all images, and the same pictures by the names of their files."""

    grids: Sequence[GridPicture] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    moments: Sequence[str] = ()
    health: Sequence[UnitHealth] = ()
    looked_at: str = ""


def portray(run: Run, space: Space, layers: Sequence[str], options: ExplainOptions, events: Events) -> Portraits:
    """The grids of each layer, or of one.

    Raises:
        UsageError: no such unit, or no kept epochs.
        DataError: the images of the run cannot be used any more.
    """
    dataset = request_of(read_config(run)).load(events)
    images = dataset.in_color().images if space.channels == 3 else dataset.images
    grids: list[GridPicture] = []
    files: dict[str, bytes] = {}
    grown = EvolutionPictures()
    if options.top9:
        chosen = layers if options.layer is None else (options.layer,)
        for layer, png in grids_of(space, images, chosen, options, events):
            grids.append(GridPicture(f"Layer {layer}", png, AS_GRID))
            files[f"units-{layer}.png"] = png
    if options.evolution:
        grown = evolve(run, space, images, layers, options, events)
        for sentence in notes_of(grown.health, grown.moments):
            events.say(sentence)
        for layer, png in grown.pictures:
            grids.append(GridPicture(f"Layer {layer} over training", png, AS_EVOLUTION))
            files[f"evolution-{layer}.png"] = png
    return Portraits(grids, files, grown.moments, grown.health, grown.looked_at)


def grids_of(
    space: Space, images: Pixels, layers: Sequence[str], options: ExplainOptions, events: Events
) -> list[tuple[str, bytes]]:
    """For each layer a picture of its units over the run's images: name, PNG."""
    with events.progress("Top 9") as update:
        tops = top_activations(space.network, images, layers, on_progress=update)
    for top in filter(TopActivations.note, tops.values()):
        events.say(top.note())
    return [(layer, draw_layer(space, images, top, options.unit)) for layer, top in tops.items()]


def draw_layer(space: Space, images: Pixels, top: TopActivations, unit: int | None) -> bytes:
    """The units of a layer as a picture; of many the first ones, which the title says.

    Raises:
        UsageError: there is no such unit.
    """
    every = len(top.active)
    if unit is not None and unit >= every:
        raise UsageError(f"The layer {top.layer} has no unit {unit}. Allowed: 0 to {every - 1}.")
    units = range(min(every, MOST_UNITS)) if unit is None else [unit]
    seen = unit_patches(space.network, images, top, units)
    some = f"unit {unit} of {every}"
    if unit is None:
        some = f"all {every} units" if len(units) == every else f"units 0 to {len(units) - 1} of {every}"
    title = f"{space.network_name} {top.layer}, {some}: the {top.values.shape[1]} strongest of {len(images):,} images"
    return draw_units(seen, {number: top.state(number) for number in units}, title=title, note=top.note())


def write_plots(run: Run, pictures: Mapping[str, bytes]) -> list[Path]:
    """Write pictures into the run's folder of plots, by their names; where they lie.

    Raises:
        UsageError: the folder cannot be written to.
        ResourceError: the disk is full.
    """
    try:
        run.plots.mkdir(exist_ok=True)
    except OSError as error:
        raise write_error(error, run.plots) from error
    for name, picture in pictures.items():
        write_bytes(run.plots / name, picture)
    return [run.plots / name for name in pictures]
