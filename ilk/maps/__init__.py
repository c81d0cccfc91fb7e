"""The space in two dimensions: projected, drawn as a picture, and as a page to walk through.

`fit_map()` lays every point of a space on a plane, `draw_map()` makes a still picture of it, and `render_page()` one
self-contained file that opens in any browser without a network.
"""

from __future__ import annotations

from ilk.maps.page import MapContent, render_page
from ilk.maps.picture import draw_map
from ilk.maps.projection import Map, choose_landmarks, fit_map, neighbor_preservation

__all__ = ["Map", "MapContent", "choose_landmarks", "draw_map", "fit_map", "neighbor_preservation", "render_page"]
