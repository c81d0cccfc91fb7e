"""Units as a picture fit for a paper: deconvolutions on the left, the patches that caused them on the right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ilk.errors import ShapeError
from ilk.insight.sights import Sight, as_gray

PAPER, INK, MUTED = (255, 255, 255), (29, 28, 26), (101, 98, 92)
BEHIND, OUTSIDE = (168, 165, 158), (198, 216, 232)
"""What shows between the patches, so that white ones have an edge, and where a field leaves the image."""
CELL = 56
"""About how wide a patch is drawn, in pixels: small ones enlarged a whole number of times, large ones reduced."""

LARGE = 112
GAP, BETWEEN, WORDS = 3, 26, 30
WIDTH = 2200
"""The most that a picture is wide, in pixels: 19 cm at 300 dots per inch."""


def draw_units(
    seen: Mapping[int, Sequence[Sight]], states: Mapping[int, str], *, title: str, note: str = "", kept: int = 9
) -> bytes:
    """A PNG of units, each with a square of deconvolutions and a square of patches; as the paper's figure 2.

    Each deconvolution has its own contrast, mid-gray is 0. What a field covers beyond the image is pale blue.

    Args:
        seen: for each unit what it sees; all patches of one size.
        states: for each unit "dead", "saturated" or "".
        title: above the picture.
        note: below it.
        kept: images per unit that there is room for.
    Returns:
        the bytes of a PNG, the same for the same input.
    Raises:
        ShapeError: there is no unit.
    Source:
        Zeiler & Fergus 2013, arXiv:1311.2901, figure 2.
    """
    if not seen:
        raise ShapeError("A picture of units needs one unit or more.")
    cell = cell_size(next((sight for each in seen.values() for sight in each), None))
    side = math.ceil(math.sqrt(kept))
    block = (side * (cell[0] + GAP) - GAP, -(-kept // side) * (cell[1] + GAP) - GAP)
    unit = (2 * block[0] + 2 * GAP, block[1] + WORDS)
    columns = max(1, min(math.ceil(math.sqrt(len(seen) * unit[1] / unit[0])), (WIDTH - BETWEEN) // (unit[0] + BETWEEN)))
    rows = -(-len(seen) // columns)
    width = max(columns * (unit[0] + BETWEEN) + BETWEEN, 700)
    sheet = Image.new("RGB", (width, 64 + rows * (unit[1] + BETWEEN) + (40 if note else 0)), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((BETWEEN, 18), title, INK, font=ImageFont.load_default(24))
    for place, (number, each) in enumerate(seen.items()):
        left = BETWEEN + place % columns * (unit[0] + BETWEEN)
        top = 64 + place // columns * (unit[1] + BETWEEN)
        state = states.get(number, "")
        pen.text((left, top), f"{number}{f'  {state}' if state else ''}", MUTED, font=ImageFont.load_default(18))
        for shift in (0, block[0] + 2 * GAP):
            spot = (left + shift, top + WORDS)
            pen.rectangle((spot[0] - 1, spot[1] - 1, spot[0] + block[0], spot[1] + block[1]), BEHIND)
        for rank in range(kept):
            x, y = rank % side * (cell[0] + GAP), rank // side * (cell[1] + GAP)
            for picture, shift in (("signal", 0), ("patch", block[0] + 2 * GAP)):
                spot = (left + shift + x, top + WORDS + y)
                if rank < len(each):
                    sheet.paste(picture_of(each[rank], picture, cell), spot)
                else:
                    pen.rectangle((*spot, spot[0] + cell[0] - 1, spot[1] + cell[1] - 1), PAPER)
    if note:
        pen.text((BETWEEN, sheet.height - 44), note, MUTED, font=ImageFont.load_default(18))
    return _png(sheet)


def draw_evolution(
    seen: Sequence[Mapping[int, Sequence[Sight]]], names: Sequence[str], *, title: str, note: str = ""
) -> bytes:
    """A PNG of the same units at several moments: one row per unit, one column per moment, as the paper's figure 4.

    Args:
        seen: for each moment, for each unit what it sees; its first sight is drawn, a dead unit leaves its cell empty.
        names: of the moments, such as "epoch 1".
        title: above the picture.
        note: below it.
    Raises:
        ShapeError: no moment, or not one name for each.
    """
    if not seen or len(names) != len(seen):
        raise ShapeError(f"{len(seen)} moments need one name for each, and there must be one or more.")
    cell = cell_size(next((sight for moment in seen for each in moment.values() for sight in each), None))
    pair = 2 * cell[0] + GAP
    step = max(pair + 18, 96)
    units = list(seen[0])
    width = max(BETWEEN + 60 + len(seen) * step, 700)
    sheet = Image.new("RGB", (width, 96 + len(units) * (cell[1] + 12) + (40 if note else 10)), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((BETWEEN, 18), title, INK, font=ImageFont.load_default(24))
    for column, (name, moment) in enumerate(zip(names, seen, strict=True)):
        left = BETWEEN + 60 + column * step
        pen.text((left, 64), name, MUTED, font=ImageFont.load_default(18))
        for row, unit in enumerate(units):
            top = 96 + row * (cell[1] + 12)
            if column == 0:
                pen.text((BETWEEN, top + cell[1] // 2 - 9), str(unit), MUTED, font=ImageFont.load_default(18))
            for picture, shift in (("signal", 0), ("patch", cell[0] + GAP)):
                spot = (left + shift, top)
                if moment[unit]:
                    sheet.paste(picture_of(moment[unit][0], picture, cell), spot)
                else:
                    pen.rectangle((*spot, spot[0] + cell[0] - 1, spot[1] + cell[1] - 1), outline=BEHIND)
    if note:
        pen.text((BETWEEN, sheet.height - 34), note, MUTED, font=ImageFont.load_default(18))
    return _png(sheet)


def cell_size(sight: Sight | None) -> tuple[int, int]:
    """(width, height) at which patches of this size are drawn."""
    if sight is None:
        return (CELL, CELL)
    height, width = sight.inside.shape
    longest = max(height, width)
    if longest > LARGE:
        return (max(1, width * LARGE // longest), max(1, height * LARGE // longest))
    zoom = max(1, round(CELL / longest))
    return (width * zoom, height * zoom)


def picture_of(sight: Sight, which: str, cell: tuple[int, int]) -> Image.Image:
    """The "signal" or the "patch" of a sight at this size, pale blue where the field leaves the image."""
    pixels = as_gray(sight.signal) if which == "signal" else sight.patch
    colors = np.repeat(pixels, 3, axis=0) if pixels.shape[0] == 1 else pixels
    colors = np.where(sight.inside, colors, np.array(OUTSIDE, dtype=np.uint8)[:, None, None])
    image = Image.fromarray(np.ascontiguousarray(colors.transpose(1, 2, 0)))
    grows = cell[0] >= image.width
    return image.resize(cell, Image.Resampling.NEAREST if grows else Image.Resampling.LANCZOS)


def _png(sheet: Image.Image) -> bytes:
    buffer = BytesIO()
    sheet.save(buffer, format="PNG", dpi=(300, 300), optimize=True)
    return buffer.getvalue()
