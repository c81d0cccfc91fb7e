"""From a finished run and images to the page of reasons, and the pictures of its units."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ilk import __version__
from ilk.cli.console import Console
from ilk.cli.opening import load_for, open_space
from ilk.cli.request import request_of
from ilk.data import Dataset
from ilk.data.thumbnails import picture_of
from ilk.errors import UsageError
from ilk.insight.activations import Strongest, strongest
from ilk.insight.deconvolution import deconvolve
from ilk.insight.grid import draw_units
from ilk.insight.invariance import KINDS, invariance
from ilk.insight.mattering import units_that_matter
from ilk.insight.occlusion import occlude
from ilk.insight.sights import as_gray, sights
from ilk.insight.units import conv_layers
from ilk.networks import as_input
from ilk.recipes import Space
from ilk.report.content import Neighbor, Shown
from ilk.report.explanation import CurveShown, Explained, ExplanationContent, UnitShown, render_explanation
from ilk.shapes import Pixels
from ilk.storage.files import write_bytes, write_error, write_text
from ilk.storage.pixels import read_pixels
from ilk.storage.run import Run, read_config

NEAR = 3
MOST_IMAGES = 20
MOST_UNITS = 48
OURS = b'content="Ilk explanation"'
HEAD = 8192


def explain_run(
    folder: Path,
    sources: Sequence[str],
    console: Console,
    *,
    layer: str | None,
    unit: int | None,
    top9: bool,
    out: Path | None,
) -> None:
    """Write the page, and with `top9` the pictures of the units, and say where they lie.

    Raises:
        UsageError: no such run, layer or unit, too many images, or a foreign file at `out`.
        DataError: the images, or those of the run, cannot be used.
    """
    run, space = open_space(folder, sources[0] if sources else None, "explain")
    page = out or run.path / "explanation.html"
    refuse_foreign_explanation(page)
    layers = conv_layers(space.network)
    if not layers:
        raise UsageError(f"The network {space.network_name} has no convolution, so it has no units to show.")
    chosen = layers[-1] if layer is None else layer
    datasets = [load_for(space, source, console) for source in sources]
    count = sum(map(len, datasets))
    if count > MOST_IMAGES:
        raise UsageError(f"One page explains at most {MOST_IMAGES} images, not {count:,}. Name some of them.")
    labeled, explained = read_pixels(run.labeled), []
    with console.progress("Explain") as update:
        for dataset in datasets:
            for i in range(len(dataset)):
                explained.append(explained_image(dataset, i, space, labeled, chosen, unit))
                update(len(explained), count)
    grids = grids_of(run, space, layers if layer is None else (layer,), unit, console) if top9 else []
    words = [*map(str, (folder, *sources)), *(["--layer", layer] if layer else []), *(["--top9"] if top9 else [])]
    content = ExplanationContent(
        title=run.path.resolve().name,
        images=explained,
        grids=[(f"Layer {name}", png) for name, png, _ in grids],
        version=__version__,
        command=shlex.join(["ilk", "explain", *words, *([] if unit is None else ["--unit", str(unit)])]),
    )
    write_text(page, render_explanation(content))
    say(console, page, explained, chosen, [path for _, _, path in grids])


def explained_image(
    dataset: Dataset, i: int, space: Space, labeled: Pixels | None, layer: str, unit: int | None
) -> Explained:
    """All the reasons for the answer to one image."""
    image, network, classifier = dataset.images[i], space.network, space.classifier
    answers = classifier.predict(space.embed(image[None]), neighbors=NEAR)
    label = int(answers.label[0])
    neighbors = tuple(
        Neighbor(space.reference_names[j], labeled[j], space.classes[classifier.targets[j]], float(distance))
        for j, distance in zip(answers.neighbors[0], answers.distances[0], strict=True)
        if labeled is not None
    )
    shown = Shown(
        name=dataset.names[i],
        image=picture_of(dataset, i, 320),
        answer=space.classes[label],
        confidence=float(answers.confidence[0]),
        status=str(answers.status[0]),
        neighbors=neighbors,
    )
    units, note = units_shown(space, image, layer, unit, label)
    occlusion = occlude(network, classifier, image, label=label)
    curves = [
        CurveShown(c.kind, KINDS[c.kind], c.amounts.tolist(), c.probability.tolist(), c.moved.tolist())
        for c in invariance(network, classifier, image, label=label)
    ]
    return Explained(
        shown=shown,
        units=units,
        units_note=note,
        pixels=image,
        drop=occlusion.drop_of_pixel,
        moved=occlusion.moved_of_pixel,
        side=occlusion.side,
        curves=curves,
    )


def units_shown(
    space: Space, image: np.ndarray, layer: str, unit: int | None, label: int
) -> tuple[list[UnitShown], str]:
    """The deconvolutions of the units that the answer rests on, or of the one that was asked for."""
    if unit is None:
        found = units_that_matter(space.network, space.classifier, image, layer, label=label)
        units: dict[int, tuple[float | None, float]] = {each.unit: (each.without, each.moved) for each in found}
        note = (
            f"The units of {layer} whose silence costs “{space.classes[label]}” most of its probability, each brought "
            "back from where it is most active."
        )
    else:
        units, note = {unit: (None, 0.0)}, f"Unit {unit} of {layer}, brought back from where it is most active."
    pixels = as_input(torch.from_numpy(image[None].repeat(len(units), axis=0)))
    result = deconvolve(space.network, pixels, layer, list(units))
    shown = [
        UnitShown(f"{number}" if strength > 0 else f"{number} (silent)", as_gray(signal), without, moved)
        for (number, (without, moved)), signal, strength in zip(
            units.items(), result.pixels.numpy(), result.activity.tolist(), strict=True
        )
    ]
    return shown, note


def grids_of(
    run: Run, space: Space, layers: Sequence[str], unit: int | None, console: Console
) -> list[tuple[str, bytes, Path]]:
    """For each layer a picture of its units over the run's images, written to RUN/plots: name, PNG, path."""
    dataset = request_of(read_config(run)).load(console)
    images = dataset.in_color().images if space.channels == 3 else dataset.images
    with console.progress("Top 9") as update:
        tops = strongest(space.network, images, layers, on_progress=update)
    result = []
    for layer, top in tops.items():
        picture = draw_layer(space, images, top, unit)
        path = run.plots / f"units-{layer}.png"
        try:
            run.plots.mkdir(exist_ok=True)
        except OSError as error:
            raise write_error(error, run.plots) from error
        write_bytes(path, picture)
        result.append((layer, picture, path))
        if top.note():
            console.say(top.note())
    return result


def draw_layer(space: Space, images: Pixels, top: Strongest, unit: int | None) -> bytes:
    """The units of a layer as a picture; of many the first ones, which the title says.

    Raises:
        UsageError: there is no such unit.
    """
    every = len(top.active)
    if unit is not None and unit >= every:
        raise UsageError(f"The layer {top.layer} has no unit {unit}. Allowed: 0 to {every - 1}.")
    units = range(min(every, MOST_UNITS)) if unit is None else [unit]
    seen = sights(space.network, images, top, units)
    some = f"units 0 to {len(units) - 1} of {every}" if unit is None else f"unit {unit} of {every}"
    title = f"{space.network_name} {top.layer}, {some}: the {top.values.shape[1]} strongest of {len(images):,} images"
    return draw_units(seen, {number: top.state(number) for number in units}, title=title, note=top.note())


def say(console: Console, page: Path, explained: Sequence[Explained], layer: str, plots: Sequence[Path]) -> None:
    """The answers, where they are explained, and the same as JSON."""
    for one in explained:
        shown = one.shown
        console.say(f"{shown.name}  {shown.answer}  {shown.confidence:.0%} {shown.status}")
        console.emit(
            event="explained",
            filename=shown.name,
            label=shown.answer,
            confidence=shown.confidence,
            status=shown.status,
            layer=layer,
            units=[unit.name for unit in one.units],
            most_lost=float(one.drop.max()),
        )
    for path in plots:
        console.say(str(path))
    console.result(str(page))
    console.emit(event="page", page=str(page), plots=[str(path) for path in plots])


def refuse_foreign_explanation(path: Path) -> None:
    """Refuse to write the page over a file that is no explanation of Ilk's.

    Raises:
        UsageError: such a file is there, or the place is a folder or in none.
    """
    if not path.exists() and not path.is_symlink():
        if not path.absolute().parent.is_dir():
            raise UsageError(f"{path} cannot be written: there is no folder {path.parent}. Name another --out.")
        return
    try:
        with path.open("rb") as file:
            ours = OURS in file.read(HEAD)
    except OSError:
        ours = False
    if not ours:
        raise UsageError(
            f"{path} is there and was not written by Ilk, so it is left alone. Name another place by --out."
        )
