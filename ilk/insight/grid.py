"""Units as a picture fit for a paper: deconvolutions on the left, the patches that caused them on the right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ilk.errors import ShapeError
from ilk.insight.patches import Sight, as_gray

PAPER, INK, MUTED = (255, 255, 255), (29, 28, 26), (101, 98, 92)
BEHIND, OUTSIDE = (168, 165, 158), (198, 216, 232)
"""What shows between the patches, so that white ones have an edge, and beyond a field or the image."""
CELL = 56
"""About how wide a patch is drawn, in pixels: small ones enlarged a whole number of times, large ones reduced."""

LARGE = 112
GAP, BETWEEN, WORDS, HEAD, LINE, BESIDE = 3, 26, 30, 64, 26, 60
"""In pixels: between patches, between units, above a unit, the title, a line of notes, the number beside a row."""

WIDTH = 2200
"""The most that a picture is wide, in pixels: 19 cm at 300 dots per inch."""


def draw_units(
    seen: Mapping[int, Sequence[Sight]], states: Mapping[int, str], *, title: str, note: str = "", kept: int = 9
) -> bytes:
    """A PNG of units, each with a square of deconvolutions and a square of patches; as the paper's figure 2.

    Each deconvolution has its own contrast, mid-gray is 0. Beyond a field, or the image, it is pale blue.

    Args:
        seen: for each unit what it sees; all patches of one size.
        states: for each unit "dead", "saturated" or "".
        title: above the picture.
        note: below it, before the words that say how to read it.
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
    first = next((sight for each in seen.values() for sight in each), None)
    cell = cell_size(first)
    side = math.ceil(math.sqrt(kept))
    block = (side * (cell[0] + GAP) - GAP, -(-kept // side) * (cell[1] + GAP) - GAP)
    unit = (2 * block[0] + 2 * GAP + BETWEEN, block[1] + WORDS + BETWEEN)
    columns = max(1, min(math.ceil(math.sqrt(len(seen) * unit[1] / unit[0])), (WIDTH - BETWEEN) // unit[0]))
    rows = -(-len(seen) // columns)
    sheet, pen = _sheet(columns * unit[0] + BETWEEN, rows * unit[1], title, [*filter(None, [note]), *legend(first)])
    for place, (number, each) in enumerate(seen.items()):
        left, top = BETWEEN + place % columns * unit[0], HEAD + place // columns * unit[1]
        pen.text((left, top), f"{number}  {states.get(number, '')}".rstrip(), MUTED, font=_font(18))
        for which, shift in (("signal", 0), ("patch", block[0] + 2 * GAP)):
            x, y = left + shift, top + WORDS
            pen.rectangle((x - 1, y - 1, x + block[0], y + block[1]), BEHIND)
            for rank in range(kept):
                spot = (x + rank % side * (cell[0] + GAP), y + rank // side * (cell[1] + GAP))
                if rank < len(each):
                    sheet.paste(picture_of(each[rank], which, cell), spot)
                else:
                    pen.rectangle((*spot, spot[0] + cell[0] - 1, spot[1] + cell[1] - 1), PAPER)
    return _png(sheet)


def draw_evolution(
    seen: Sequence[Mapping[int, Sequence[Sight]]],
    names: Sequence[str],
    states: Sequence[Mapping[int, str]] = (),
    *,
    title: str,
    note: str = "",
) -> bytes:
    """A PNG of the same units at several moments: one row per unit, one column per moment, as the paper's figure 4.

    Args:
        seen: for each moment, for each unit what it sees; its first sight is drawn, a dead unit leaves its cell empty.
        names: of the moments, such as "epoch 1".
        states: for each moment, for each unit "dead", "saturated" or ""; it stands below the cell.
        title: above the picture.
        note: below it, before the words that say how to read it.
    Returns:
        the bytes of a PNG, the same for the same input.
    Raises:
        ShapeError: no moment, or not one name for each.
    Source:
        Zeiler & Fergus 2013, arXiv:1311.2901, figure 4. Differs: the patch stands beside each deconvolution.
    """
    if not seen or len(names) != len(seen):
        raise ShapeError(f"{len(seen)} moments need one name for each, and there must be one or more.")
    first = next((sight for moment in seen for each in moment.values() for sight in each), None)
    cell = cell_size(first)
    step = max(2 * cell[0] + GAP + 18, 96, *(math.ceil(_font(18).getlength(name)) + 18 for name in names))
    tall = cell[1] + (30 if any(any(state.values()) for state in states) else 12)
    units = list(seen[0])
    width, height = BETWEEN + BESIDE + len(seen) * step, WORDS + len(units) * tall + 10
    sheet, pen = _sheet(width, height, title, [*filter(None, [note]), *legend(first)])
    for row, unit in enumerate(units):
        top = HEAD + WORDS + row * tall
        pen.text((BETWEEN, top + cell[1] // 2 - 9), str(unit), MUTED, font=_font(18))
        for column, moment in enumerate(seen):
            left = BETWEEN + BESIDE + column * step
            if row == 0:
                pen.text((left, HEAD), names[column], MUTED, font=_font(18))
            if states:
                pen.text((left, top + cell[1] + 1), states[column].get(unit, ""), MUTED, font=_font(14))
            for which, shift in (("signal", 0), ("patch", cell[0] + GAP)):
                if moment[unit]:
                    sheet.paste(picture_of(moment[unit][0], which, cell), (left + shift, top))
                else:
                    pen.rectangle((left + shift, top, left + shift + cell[0] - 1, top + cell[1] - 1), outline=BEHIND)
    return _png(sheet)


def legend(sight: Sight | None) -> list[str]:
    """How a picture of units is read, in two lines; nothing where there is nothing to see."""
    if sight is None:
        return []
    height, width = sight.inside.shape
    return [
        "Left: the unit brought back to pixels, each picture with its own contrast; mid-gray is 0.",
        f"Right: the same {height} by {width} pixels of the image; pale blue is beyond the unit's field, or the image.",
    ]


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _sheet(width: int, height: int, title: str, notes: Sequence[str]) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """White paper with a title above, `height` pixels free from `HEAD` on, and notes below; wide enough for all."""
    lengths = [_font(24).getlength(title), *(_font(18).getlength(note) for note in notes)]
    width = max(width, 2 * BETWEEN + math.ceil(max(lengths)))
    sheet = Image.new("RGB", (width, HEAD + height + LINE * len(notes) + BETWEEN), PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((BETWEEN, 18), title, INK, font=_font(24))
    for line, note in enumerate(notes):
        pen.text((BETWEEN, HEAD + height + line * LINE), note, MUTED, font=_font(18))
    return sheet, pen


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
