"""How much a page shows: whoever gathers its content need not gather more."""

from __future__ import annotations

MOST_CLASSES = 20
"""More classes than this make a table that nobody reads; the telling rows are shown instead."""

MOST_ROWS = 15
"""Rows of a table of the telling ones, and sentences of a list."""

MOST_CARDS = 8
"""Images in each of the lists of the surest and the least sure."""

MOST_PAIRS, MOST_CARDS_OF_PAIR = 6, 4
"""Kinds of mistakes that are shown with images, and images of each."""

MOST_TO_LABEL = 40
"""Names in the list of what to label next."""

LONGEST_LEVEL_NAME = 3
"""In characters: longer class names stand upright above the confusion's columns."""

IMAGE_SIDE, NEIGHBOR_SIDE, CONFUSED_SIDE = 160, 72, 96
"""The longest side of a thumbnail, in pixels; shown smaller, so that they are sharp on a fine screen."""
