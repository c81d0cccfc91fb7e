"""From a finished run and images to the page of reasons, and the same pictures as files."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ilk import __version__
from ilk.data import Dataset
from ilk.data.summary import counted
from ilk.data.thumbnails import picture_of
from ilk.errors import NoImagesError, UsageError
from ilk.insight.ablation import ablate_units
from ilk.insight.deconvolution import deconvolve
from ilk.insight.graph import graph_of
from ilk.insight.invariance import CHANGES, invariance
from ilk.insight.occlusion import occlude
from ilk.insight.patches import as_gray
from ilk.insight.units import activity_node, branches, conv_layers, layers_with_relu
from ilk.neighbors import Answers
from ilk.networks import as_input
from ilk.recipes import Space
from ilk.report.content import Card, Neighbor
from ilk.report.explanation import (
    Explanation,
    ExplanationContent,
    ResponseCurve,
    UnitHealth,
    UnitPicture,
    render_explanation,
)
from ilk.report.reasons import draw_reasons, file_names
from ilk.report.views import percent
from ilk.runs.events import Events
from ilk.runs.evolution import required_epochs, width_of
from ilk.runs.explain_options import ExplainOptions
from ilk.runs.open import load_for, open_space
from ilk.runs.unit_pictures import Portraits, portray, write_plots
from ilk.shapes import EVIDENCE, Pixels
from ilk.storage.files import begins_with, refuse_foreign, write_text
from ilk.storage.lock import holding
from ilk.storage.pixels import read_pixels

MOST_IMAGES = 20
OURS = b'content="Ilk explanation"'


def explain_run(folder: Path, sources: Sequence[str], events: Events, asked: ExplainOptions, out: Path | None) -> Path:
    """Write the page and its pictures, and say where they lie; the path of the page.

    Raises:
        UsageError: no such run, layer, unit or class, too many images, no kept epochs, or a foreign file at `out`.
        DataError: the images, or those of the run, cannot be used.
    """
    run, space = open_space(folder, sources[0] if sources else None, "explain")
    page = out or run.path / "explanation.html"
    refuse_foreign(page, begins_with(OURS))
    layers = checked_layers(space, asked)
    watched = None if asked.label is None else class_number(space, asked.label)
    if asked.evolution:
        required_epochs(run)  # refused before anything is computed
    datasets = loaded(space, sources, events)
    count = sum(map(len, datasets))
    if count > MOST_IMAGES:
        raise UsageError(f"One page explains at most {MOST_IMAGES} images, not {count:,}. Name some of them.")
    labeled, explained = read_pixels(run.labeled), []
    layer = asked.layer or layers[-1]
    with events.progress("Explain") as update:
        for dataset in datasets:
            for i in range(len(dataset)):
                explained.append(explained_image(dataset, i, space, labeled, layer, asked.unit, watched))
                update(len(explained), count)
    portraits = portray(run, space, layers, asked, events) if asked.top9 or asked.evolution else Portraits()
    pictures = dict(portraits.files)
    for one, name in zip(explained, file_names([one.shown.name for one in explained]), strict=True):
        pictures |= {f"explained-{name}-{kind}.png": png for kind, png in draw_reasons(one).items()}
    with holding(run):
        plots = write_plots(run, pictures)
        content = ExplanationContent(
            title=run.path.resolve().name,
            images=explained,
            grids=portraits.grids,
            moments=portraits.moments,
            health=[UnitHealth(each.layer, each.units, each.dead, each.saturated) for each in portraits.health],
            looked_at=portraits.looked_at,
            plots=str(run.plots),
            version=__version__,
            command=shlex.join(["ilk", "explain", str(folder), *sources, *asked.words()]),
        )
        earlier = page.exists()
        write_text(page, render_explanation(content))
    if earlier:
        events.say(f"Replaced the earlier {page}")
    say(events, page, explained, layer, plots)
    return page


def loaded(space: Space, sources: Sequence[str], events: Events) -> list[Dataset]:
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


def checked_layers(space: Space, asked: ExplainOptions) -> tuple[str, ...]:
    """The convolutions of a network, once it is known that it has the layer and the unit that were asked for.

    Raises:
        UsageError: it has none, or not these.
    """
    layers = conv_layers(space.network)
    if not layers:
        raise UsageError(f"The network {space.network_name} has no convolution, so it has no units to show.")
    if asked.layer is not None:
        activity_node(graph_of(space.network), asked.layer)
        width = width_of(space.network, asked.layer)
        if asked.unit is not None and asked.unit >= width:
            raise UsageError(f"The layer {asked.layer} has no unit {asked.unit}. Allowed: 0 to {width - 1}.")
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


def explained_image(
    dataset: Dataset, i: int, space: Space, labeled: Pixels | None, layer: str, unit: int | None, watched: int | None
) -> Explanation:
    """All the reasons for the answer to one image; the class watched is that asked for, its label, or the answer."""
    image, network, classifier = dataset.images[i], space.network, space.classifier
    same = same_as(image, labeled)
    answers = classifier.predict(space.embed(image[None]), neighbors=EVIDENCE + len(same))
    truth, answer = label_of(dataset, i, space, same), space.classes[int(answers.label[0])]
    watched, why = class_watched(space, watched, truth, answer)
    shown = Card(
        name=dataset.names[i],
        image=picture_of(dataset, i, 320),
        answer=answer,
        confidence=float(answers.confidence[0]),
        status=str(answers.status[0]),
        truth=truth,
        neighbors=neighbors_of(answers, space, labeled, same),
    )
    occlusion = occlude(network, classifier, image, label=watched)
    curves = [
        ResponseCurve(c.kind, CHANGES[c.kind], c.amounts.tolist(), c.probability.tolist(), c.moved.tolist())
        for c in invariance(network, classifier, image, label=watched)
    ]
    return Explanation(
        shown=shown,
        watched=space.classes[watched],
        watched_is=why,
        probability=occlusion.probability,
        layer=layer,
        branches=branches(network, layer),
        units=units_shown(space, image, layer, unit, watched),
        unit_requested=unit is not None,
        pixels=image,
        drop=occlusion.drop_of_pixel,
        moved=occlusion.moved_of_pixel,
        side=occlusion.side,
        curves=curves,
    )


def class_watched(space: Space, asked: int | None, truth: str | None, answer: str) -> tuple[int, str]:
    """The number of the class whose probability is watched, and what it is in words."""
    if asked is not None:
        return asked, "the class that was asked for"
    if truth in space.classes:
        return space.classes.index(truth), "its label"
    return space.classes.index(answer), "its answer"


def same_as(image: np.ndarray, labeled: Pixels | None) -> list[int]:
    """Which labeled images have these very pixels: no evidence, since the run learned from them."""
    if labeled is None or labeled.shape[1:] != image.shape:
        return []
    return np.flatnonzero((labeled == image).all(axis=(1, 2, 3))).tolist()


def neighbors_of(answers: Answers, space: Space, labeled: Pixels | None, same: Sequence[int]) -> tuple[Neighbor, ...]:
    """The labeled images nearest to one image, itself left out; none where the run kept no pixels of them."""
    if labeled is None:
        return ()
    classes, targets = space.classes, space.classifier.targets
    return tuple(
        Neighbor(space.reference_names[j], labeled[j], classes[targets[j]], float(distance))
        for j, distance in zip(answers.neighbors[0], answers.distances[0], strict=True)
        if j not in same
    )[:EVIDENCE]


def label_of(dataset: Dataset, i: int, space: Space, same: Sequence[int]) -> str | None:
    """The label that the data give an image, or that the run learned for these very pixels; None where neither does."""
    if dataset.targets[i] >= 0:
        return dataset.classes[dataset.targets[i]]
    return space.classes[space.classifier.targets[same[0]]] if same else None


def units_shown(space: Space, image: np.ndarray, layer: str, unit: int | None, label: int) -> list[UnitPicture]:
    """The deconvolutions of the units that a class rests on, or of the one that was asked for."""
    units: dict[int, tuple[float | None, float]] = {}
    if unit is None:
        found = ablate_units(space.network, space.classifier, image, layer, label=label)
        units = {each.unit: (each.without, each.moved) for each in found}
    else:
        units[unit] = (None, 0.0)
    pixels = as_input(torch.from_numpy(image[None].repeat(len(units), axis=0)))
    result = deconvolve(space.network, pixels, layer, list(units))
    quiet = "silent" if layers_with_relu(space.network, [layer]) else "not above 0"
    return [
        UnitPicture(f"{number}" if strength > 0 else f"{number} ({quiet})", as_gray(signal), without, moved)
        for (number, (without, moved)), signal, strength in zip(
            units.items(), result.pixels.numpy(), result.activity.tolist(), strict=True
        )
    ]


def say(events: Events, page: Path, explained: Sequence[Explanation], layer: str, plots: Sequence[Path]) -> None:
    """The answers, where they are explained, and the same as JSON."""
    for one in explained:
        shown = one.shown
        events.say(f"{shown.name}  {shown.answer}  {percent(shown.confidence)} {shown.status}")
        events.emit(
            event="explained",
            filename=shown.name,
            label=shown.answer,
            confidence=shown.confidence,
            status=shown.status,
            watched=one.watched,
            watched_is=one.watched_is,
            probability=one.probability,
            layer=layer,
            neighbors=[neighbor.name for neighbor in shown.neighbors],
            units=[unit.name for unit in one.units],
            most_lost=float(one.drop.max()),
        )
    if plots:
        events.say(f"{counted(len(plots), 'picture')} in {plots[0].parent}")
    events.emit(event="page", page=str(page), plots=[str(path) for path in plots])
