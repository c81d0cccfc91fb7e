"""The reasons for answers as one self-contained page in the style of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ilk.measures import UnitHealth
from ilk.report.charts import PAGE_PALETTE, as_svg, fixed_style, quiet_axes
from ilk.report.content import Card, Picture
from ilk.report.templates import render_template
from ilk.report.thumbnails import Thumbnail, map_picture, thumbnail
from ilk.report.views import card_view

MAP_SIDE = 280
"""The longest side of a map over an image, in pixels."""

UNIT_SIDE = 112

PALE_LOSS = 0.1
"""A map whose largest loss of probability is below this stays pale: noise shall not look like a reason."""

LOST_COLOR, GAINED_COLOR = (0, 103, 165), (216, 110, 0)
"""Blue where covering costs the answer, orange where it helps it: apart for every kind of color vision."""


@dataclass(frozen=True)
class UnitPicture:
    """A unit's deconvolution for this image; with the unit silenced, the watched probability and the point's move."""

    name: str
    image: Picture
    without: float | None = None
    moved: float = 0.0


@dataclass(frozen=True)
class ResponseCurve:
    """How the answer's probability and the point follow one kind of change; the amounts ascend."""

    title: str
    unit: str
    amounts: Sequence[float]
    probability: Sequence[float]
    moved: Sequence[float]


@dataclass(frozen=True)
class Explanation:
    """One image and the reasons for its answer.

    Args:
        shown: the image with its answer and its nearest labeled images.
        watched: the class whose probability the rest of the page follows.
        watched_is: what that class is, such as "its label" or "its answer".
        probability: of that class with nothing changed, 0 to 1.
        layer: that the units are of.
        branches: how many branches end side by side with this layer, itself counted.
        units: the deconvolutions, of the unit whose ablation costs most first.
        asked_for: whether one unit was named, not found by its part in the answer.
        pixels: the image as the network saw it, for the maps.
        drop: shape (height, width), probability lost where a gray square covers the pixel, −1 to 1.
        moved: shape (height, width), how far the point moves.
        side: of the square in pixels.
        curves: of invariance.
    """

    shown: Card
    watched: str
    watched_is: str
    probability: float
    layer: str
    branches: int
    units: Sequence[UnitPicture]
    unit_requested: bool
    pixels: Picture
    drop: np.ndarray
    moved: np.ndarray
    side: int
    curves: Sequence[ResponseCurve]


@dataclass(frozen=True)
class GridPicture:
    """A picture of a layer's units as a PNG, with its heading and the words that say how to read it."""

    heading: str
    png: bytes
    note: str


@dataclass(frozen=True)
class ExplanationContent:
    """What the page says; every name is foreign text and is escaped.

    Args:
        title: of the page.
        images: explained one after the other.
        grids: of units over the whole data.
        moments: names of the moments of the training that are compared.
        health: for each layer, how many units were dead or saturated at each of these moments.
        looked_at: which images they were counted on, in words.
        plots: the folder of the same pictures as files.
        version: of Ilk.
        command: that made the page.
    """

    title: str
    images: Sequence[Explanation]
    grids: Sequence[GridPicture] = ()
    moments: Sequence[str] = ()
    health: Sequence[UnitHealth] = ()
    looked_at: str = ""
    plots: str = ""
    version: str = ""
    command: str = ""


def render_explanation(content: ExplanationContent) -> str:
    """The whole page as HTML text; it loads nothing, runs nothing, and the same content gives the same text."""
    return render_template(
        "explanation.html",
        ("page.css", "explanation.css"),
        content=content,
        images=[_image_view(explained, number) for number, explained in enumerate(content.images, start=1)],
        grids=[(grid, map_picture(grid.png)) for grid in content.grids],
    )


def _image_view(explained: Explanation, number: int) -> dict[str, Any]:
    largest = float(explained.moved.max(initial=0))
    strongest = float(np.abs(explained.drop).max(initial=PALE_LOSS))
    return {
        "id": f"image-{number}",
        "content": explained,
        "card": card_view(explained.shown),
        "units": [(unit, thumbnail(enlarge(unit.image, UNIT_SIDE), UNIT_SIDE)) for unit in explained.units],
        "whole": thumbnail(enlarge(explained.pixels, MAP_SIDE), MAP_SIDE),
        "drop": _overlay(explained.pixels, explained.drop / strongest),
        "moved": _overlay(explained.pixels, explained.moved / largest if largest else explained.moved),
        "most_lost": float(explained.drop.max(initial=0)),
        "most_gained": float(max(0.0, -explained.drop.min(initial=0))),
        "farthest": largest,
        "silenced": min((unit.without for unit in explained.units if unit.without is not None), default=None),
        "curves": [(curve, Markup(_curve_svg(curve, f"{number}-{i}"))) for i, curve in enumerate(explained.curves)],
    }


def enlarge(image: Picture, side: int) -> np.ndarray:
    """An image up to `side` pixels, each of its pixels a whole number of times as large; a larger one as it is."""
    zoom = max(1, side // max(image.shape[1:]))
    return image.repeat(zoom, axis=1).repeat(zoom, axis=2)


def _overlay(image: Picture, share: np.ndarray) -> Thumbnail:
    """A map from −1 to 1 laid over the pale gray of an image: blue above 0, orange below."""
    gray = np.asarray(image, dtype=np.float64).mean(0)[..., None]
    pale = np.repeat(160 + gray * (95 / 255), 3, axis=2)
    color = np.where(share[..., None] > 0, LOST_COLOR, GAINED_COLOR).astype(np.float64)
    strength = np.abs(share)[..., None] * 0.85
    mixed = np.round(pale * (1 - strength) + color * strength * (0.55 + 0.45 * gray / 255)).astype(np.uint8)
    return thumbnail(enlarge(np.ascontiguousarray(mixed.transpose(2, 0, 1)), MAP_SIDE), MAP_SIDE)


def _curve_svg(curve: ResponseCurve, salt: str) -> str:
    """Probability as a line from 0 to 1, the move of the point dashed, as a share of its largest."""
    figure = Figure(figsize=(2.6, 1.7))
    with fixed_style(salt):
        axes = figure.add_axes((0.11, 0.25, 0.84, 0.69))
        farthest = max(*curve.moved, 1e-12)
        axes.plot(curve.amounts, curve.probability, color=PAGE_PALETTE.curve, linewidth=1.8, clip_on=False)
        shares = [moved / farthest for moved in curve.moved]
        axes.plot(curve.amounts, shares, color=PAGE_PALETTE.other, linewidth=1.4, linestyle=(0, (4, 3)), clip_on=False)
        set_amount_ticks(axes, curve)
        axes.set_ylim(0, 1.04)
        axes.set_yticks([0, 0.5, 1], ["0", "½", "1"])
        quiet_axes(axes, PAGE_PALETTE)
        axes.set_xlabel(axis_label(curve), color=PAGE_PALETTE.text, fontsize=9, loc="right", labelpad=1)
        return as_svg(figure)


def set_amount_ticks(axes: Axes, curve: ResponseCurve) -> None:
    """The x axis of one kind of change: few amounts, those that a reader expects."""
    if curve.unit == "×":
        axes.set_xscale("log", base=2)
        axes.set_xticks([0.5, 0.71, 1, 1.41, 2], ["0.5", "0.7", "1", "1.4", "2"])
        axes.minorticks_off()
    elif curve.unit == "°":
        axes.set_xticks([-180, -90, 0, 90, 180])
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def axis_label(curve: ResponseCurve) -> str:
    """The amounts of a curve in words, for their axis."""
    units = {"px": "pixels", "°": "degrees", "×": "times as large"}
    return units.get(curve.unit, curve.unit)
