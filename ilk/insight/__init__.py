"""Why: what the units of a network can see and do see, what its layers cost, and on what an answer rests."""

from __future__ import annotations

from ilk.insight.ablation import UnitAblation, ablate_units
from ilk.insight.activations import TopActivations, top_activations
from ilk.insight.deconvolution import Deconvolution, deconvolve
from ilk.insight.description import Description, Layer, describe
from ilk.insight.occlusion import Occlusion, occlude
from ilk.insight.receptive_field import ReceptiveField, receptive_fields
from ilk.insight.units import conv_layers

__all__ = [
    "Deconvolution",
    "Description",
    "Layer",
    "Occlusion",
    "ReceptiveField",
    "TopActivations",
    "UnitAblation",
    "ablate_units",
    "conv_layers",
    "deconvolve",
    "describe",
    "occlude",
    "receptive_fields",
    "top_activations",
]
