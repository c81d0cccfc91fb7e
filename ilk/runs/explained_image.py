"""Explain one image: its nearest labeled images, the units that matter, occlusion, and invariance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ilk.data import Dataset
from ilk.data.thumbnails import picture_of
from ilk.insight.ablation import ablate_units
from ilk.insight.deconvolution import deconvolve
from ilk.insight.invariance import CHANGES, invariance
from ilk.insight.occlusion import occlude
from ilk.insight.patches import as_gray
from ilk.insight.units import branches, layers_with_relu
from ilk.networks import as_input
from ilk.recipes import Space
from ilk.report.content import Card
from ilk.report.explanation import Explanation, ResponseCurve, UnitPicture
from ilk.runs.cards import reference_cards
from ilk.shapes import EVIDENCE, Pixels


def explained_image(
    dataset: Dataset, i: int, space: Space, labeled: Pixels | None, layer: str, unit: int | None, watched: int | None
) -> Explanation:
    """Explain the answer for one image; the class watched is the given one, else its label, else the answer."""
    image, network, classifier = dataset.images[i], space.network, space.classifier
    same = same_as(image, labeled)
    answers = classifier.predict(space.embed(image[None]), neighbors=EVIDENCE + len(same))
    others = ~np.isin(answers.neighbors[0], same)
    others &= others.cumsum() <= EVIDENCE
    truth, answer = label_of(dataset, i, space, same), space.classes[int(answers.label[0])]
    watched, why = class_watched(space, watched, truth, answer)
    shown = Card(
        name=dataset.names[i],
        image=picture_of(dataset, i, 320),
        answer=answer,
        confidence=float(answers.confidence[0]),
        status=str(answers.status[0]),
        truth=truth,
        neighbors=reference_cards(answers.neighbors[0][others], answers.distances[0][others], space, labeled),
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


def class_watched(space: Space, given: int | None, truth: str | None, answer: str) -> tuple[int, str]:
    """The number of the class whose probability is watched, and what it is in words."""
    if given is not None:
        return given, "the class that was asked for"
    if truth in space.classes:
        return space.classes.index(truth), "its label"
    return space.classes.index(answer), "its answer"


def same_as(image: np.ndarray, labeled: Pixels | None) -> list[int]:
    """Which labeled images have these very pixels: no evidence, since the run learned from them."""
    if labeled is None or labeled.shape[1:] != image.shape:
        return []
    return np.flatnonzero((labeled == image).all(axis=(1, 2, 3))).tolist()


def label_of(dataset: Dataset, i: int, space: Space, same: Sequence[int]) -> str | None:
    """The label that the data give an image, or that the run learned for these very pixels; None where neither does."""
    if dataset.targets[i] >= 0:
        return dataset.classes[dataset.targets[i]]
    return space.classes[space.classifier.targets[same[0]]] if same else None


def units_shown(space: Space, image: np.ndarray, layer: str, unit: int | None, label: int) -> list[UnitPicture]:
    """The deconvolutions of the units that a class rests on, or of the given one."""
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
