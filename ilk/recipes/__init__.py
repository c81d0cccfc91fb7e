"""The whole path from a data set to a trained space on one screen, public names only."""

from __future__ import annotations

from ilk.recipes.default import Fitted, fit
from ilk.recipes.space import Space, bundle_of, space_of

__all__ = ["Fitted", "Space", "bundle_of", "fit", "space_of"]
