"""Explain the answers of a finished run, and what the units of its network respond to, on one page."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ilk import __version__
from ilk.data import Dataset
from ilk.errors import NoImagesError, UsageError
from ilk.insight.units import activity_node, conv_layers
from ilk.networks.graph import graph_of
from ilk.recipes import Space
from ilk.report.explanation import Explanation, ExplanationContent, render_explanation
from ilk.report.reasons import draw_reasons, file_names
from ilk.runs.cards import command_line
from ilk.runs.events import SILENT, Events
from ilk.runs.evolution import required_epochs, width_of
from ilk.runs.explain_options import ExplainOptions
from ilk.runs.explained_image import explained_image
from ilk.runs.open import load_for, open_space
from ilk.runs.unit_pictures import Portraits, portray, write_plots
from ilk.storage.files import begins_with, refuse_foreign, write_text
from ilk.storage.lock import holding
from ilk.storage.pixels import read_pixels
from ilk.storage.run import Run

MOST_IMAGES = 20
OURS = b'content="Ilk explanation"'


@dataclass(frozen=True)
class ExplanationFiles:
    """The page that explains images or units, and what stands on it.

    Args:
        page: where it lies.
        plots: its pictures as files of their own.
        explained: one for each image.
        layer: whose units they show.
    """

    page: Path
    plots: Sequence[Path]
    explained: Sequence[Explanation]
    layer: str


def explain_run(
    folder: str | Path,
    images: Sequence[str] = (),
    *,
    layer: str | None = None,
    unit: int | None = None,
    label: str | None = None,
    top9: bool = False,
    evolution: bool = False,
    out: Path | None = None,
    seed: int = 0,
    command: Sequence[str] = (),
    events: Events = SILENT,
) -> ExplanationFiles:
    """Explain the answers for images, and show what the units of the network respond to; a page and its pictures.

    Args:
        folder: of the run.
        images: files to explain.
        layer, unit: a convolution and one of its units; None for the last, and for those that matter most.
        label: the class to watch; None for an image's label, else its answer.
        top9: what drives each unit hardest in the run's own images.
        evolution: the same at the epochs that the run kept.
        out: the page; None for explanation.html in the run.
        seed: of the images and units of an evolution, where not all are taken.
        command: the arguments of the command line, for the page.
        events: who is told.
    Raises:
        UsageError: no such run, layer, unit or class, too many images, no kept epochs, or a foreign file at `out`.
        DataError: the images, or those of the run, cannot be used.
    """
    if not images and not top9 and not evolution:
        raise UsageError("Name one image or more, or give `top9` or `evolution`.")
    options = ExplainOptions(layer=layer, unit=unit, label=label, top9=top9, evolution=evolution, seed=seed)
    run, space = open_space(Path(folder), images[0] if images else None, "explain")
    page = out or run.path / "explanation.html"
    refuse_foreign(page, begins_with(OURS))
    layers = checked_layers(space, options)
    watched = None if label is None else class_number(space, label)
    if evolution:
        required_epochs(run)  # refused before anything is computed
    shown = layer or layers[-1]
    explained = explain_images(run, space, images, shown, unit, watched, events)
    portraits = portray(run, space, layers, options, events) if top9 or evolution else Portraits()
    with holding(run):
        plots = write_plots(run, pictures_of(explained, portraits))
        earlier = page.exists()
        write_text(page, render_explanation(content_of(run, explained, portraits, command)))
    if earlier:
        events.say(f"Replaced the earlier {page}")
    return ExplanationFiles(page, plots, explained, shown)


def explain_images(
    run: Run,
    space: Space,
    images: Sequence[str],
    layer: str,
    unit: int | None,
    watched: int | None,
    events: Events,
) -> list[Explanation]:
    """All the reasons for each image.

    Raises:
        UsageError: too many for one page.
        NoImagesError: no source holds an image.
    """
    datasets = load_named(space, images, events)
    count = sum(map(len, datasets))
    if count > MOST_IMAGES:
        raise UsageError(f"One page explains at most {MOST_IMAGES} images, not {count:,}. Name some of them.")
    labeled, explained = read_pixels(run.labeled), []
    with events.progress("Explain") as update:
        for dataset in datasets:
            for i in range(len(dataset)):
                explained.append(explained_image(dataset, i, space, labeled, layer, unit, watched))
                update(len(explained), count)
    return explained


def pictures_of(explained: Sequence[Explanation], portraits: Portraits) -> dict[str, bytes]:
    """Every picture of the page by the name of its file."""
    pictures = dict(portraits.files)
    for one, name in zip(explained, file_names([one.shown.name for one in explained]), strict=True):
        pictures |= {f"explained-{name}-{kind}.png": png for kind, png in draw_reasons(one).items()}
    return pictures


def content_of(
    run: Run, explained: Sequence[Explanation], portraits: Portraits, command: Sequence[str]
) -> ExplanationContent:
    """What the page shows."""
    return ExplanationContent(
        title=run.path.resolve().name,
        images=explained,
        grids=portraits.grids,
        moments=portraits.moments,
        health=portraits.health,
        looked_at=portraits.looked_at,
        plots=str(run.plots),
        version=__version__,
        command=command_line(command),
    )


def load_named(space: Space, sources: Sequence[str], events: Events) -> list[Dataset]:
    """The images that were named; of several sources, one that holds none that can be used is named and passed over.

    Raises:
        NoImagesError: no source holds one.
    """
    datasets: list[Dataset] = []
    problems: list[NoImagesError] = []
    for source in sources:
        try:
            datasets.append(load_for(space, source, events))
        except NoImagesError as error:
            problems.append(error)
    if problems and not datasets:
        raise problems[0]
    for problem in problems:
        events.warn(str(problem))
    return datasets


def checked_layers(space: Space, options: ExplainOptions) -> tuple[str, ...]:
    """The convolutions of a network, checked to have the given layer and unit.

    Raises:
        UsageError: it has none, or not these.
    """
    layers = conv_layers(space.network)
    if not layers:
        raise UsageError(f"The network {space.network_name} has no convolution, so it has no units to show.")
    if options.layer is not None:
        activity_node(graph_of(space.network), options.layer)
        width = width_of(space.network, options.layer)
        if options.unit is not None and options.unit >= width:
            raise UsageError(f"The layer {options.layer} has no unit {options.unit}. Allowed: 0 to {width - 1}.")
    return layers


def class_number(space: Space, label: str) -> int:
    """The number of a class by its name.

    Raises:
        UsageError: the model knows no such class.
    """
    if label in space.classes:
        return space.classes.index(label)
    near = difflib.get_close_matches(label, space.classes, n=1)
    guess = f"Did you mean {near[0]}? " if near else ""
    few = ", ".join(space.classes[:20]) + (" …" if len(space.classes) > 20 else "")
    raise UsageError(f"The run knows no class {label!r}. {guess}Classes: {few}.")
