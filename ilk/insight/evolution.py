"""The same units at several moments of a training: what drove each hardest, and which were dead or saturated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from ilk.errors import UsageError
from ilk.insight.activations import TopActivations, top_activations
from ilk.insight.patches import Patch, unit_patches
from ilk.measures import UnitHealth
from ilk.shapes import Pixels


@dataclass(frozen=True)
class Moment:
    """What a network saw at one moment of its training.

    Args:
        name: such as "epoch 1".
        tops: of every convolution by name, the image that drove each unit hardest.
        patches: by layer, of the given units, what they saw in that image; empty for a dead unit.
    """

    name: str
    tops: Mapping[str, TopActivations]
    patches: Mapping[str, Mapping[int, Sequence[Patch]]]


def evolution(
    networks: Iterable[tuple[str, nn.Module]],
    pixels: Pixels,
    units: Mapping[str, Sequence[int]],
    *,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> list[Moment]:
    """Look at one training at several moments, on the same images; the strongest image is found anew at each.

    Memory for one network and one batch at a time, if `networks` makes each when it is needed.

    Args:
        networks: (name, network) of each moment, earliest first; one architecture with the weights of that moment.
        pixels: shape (images, channels, height, width), uint8.
        units: for each layer that will be drawn, its units.
        on_progress: called with (name, done, total) of the images.
    Raises:
        UsageError: no such layer or unit, or networks whose layers differ.
    Source:
        Zeiler & Fergus 2013, arXiv:1311.2901, figure 4. Differs: the patch stands beside each deconvolution.
    """
    moments: list[Moment] = []
    for name, network in networks:
        say = None if on_progress is None else (lambda done, total, name=name: on_progress(name, done, total))
        tops = top_activations(network, pixels, keep=1, on_progress=say)
        for layer, chosen in units.items():
            _require_units(tops, layer, chosen)
        if moments and _widths(tops) != _widths(moments[0].tops):
            raise UsageError(f"{name} is of another network than {moments[0].name}, so they are not of one training.")
        patches = {layer: unit_patches(network, pixels, tops[layer], chosen) for layer, chosen in units.items()}
        moments.append(Moment(name, tops, patches))
    return moments


def health(moments: Sequence[Moment]) -> list[UnitHealth]:
    """For each layer, the dead and the saturated units at each moment; a wholly dead one lets nothing through."""
    found = []
    for layer, top in moments[0].tops.items() if moments else ():
        every = range(len(top.active))
        states = [[moment.tops[layer].state(unit) for unit in every] for moment in moments]
        dead, saturated = (tuple(each.count(word) for each in states) for word in ("dead", "saturated"))
        found.append(UnitHealth(layer, len(every), dead, saturated))
    return found


def _require_units(tops: Mapping[str, TopActivations], layer: str, units: Sequence[int]) -> None:
    if layer not in tops:
        raise UsageError(f"There is no convolution {layer!r}. Convolutions: {', '.join(tops)}.")
    every = len(tops[layer].active)
    wrong = [unit for unit in units if not 0 <= unit < every]
    if wrong:
        raise UsageError(f"The layer {layer} has no unit {wrong[0]}. Allowed: 0 to {every - 1}.")


def _widths(tops: Mapping[str, TopActivations]) -> dict[str, int]:
    return {layer: len(top.active) for layer, top in tops.items()}
