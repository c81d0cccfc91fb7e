"""Why: what the units of a network can see and do see, what its layers cost, and on what an answer rests."""

from __future__ import annotations

from ilk.insight.ablation import Mattering, units_that_matter
from ilk.insight.activations import Strongest, strongest
from ilk.insight.deconvolution import Deconvolution, deconvolve
from ilk.insight.description import Description, Layer, describe
from ilk.insight.occlusion import Occlusion, occlude
from ilk.insight.receptive_field import ReceptiveField, receptive_fields
from ilk.insight.units import conv_layers

__all__ = [
    "Deconvolution",
    "Description",
    "Layer",
    "Mattering",
    "Occlusion",
    "ReceptiveField",
    "Strongest",
    "conv_layers",
    "deconvolve",
    "describe",
    "occlude",
    "receptive_fields",
    "strongest",
    "units_that_matter",
]
