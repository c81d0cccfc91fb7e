"""Why: what the units of a network can see, and what they cost."""

from __future__ import annotations

from ilk.insight.description import Description, Layer, describe
from ilk.insight.receptive_field import ReceptiveField, receptive_fields

__all__ = ["Description", "Layer", "ReceptiveField", "describe", "receptive_fields"]
