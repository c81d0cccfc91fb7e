"""Units as a picture fit for a paper: deconvolutions on the left, the patches that caused them on the right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ilk.errors import ShapeError
from ilk.insight.patches import Patch, as_gray

PAPER_COLOR, INK_COLOR, MUTED_COLOR = (255, 255, 255), (29, 28, 26), (101, 98, 92)
GAP_COLOR, OUTSIDE_COLOR = (168, 165, 158), (198, 216, 232)
"""What shows between the patches, so that white ones have an edge, and beyond a field or the image."""
CELL_SIDE = 56
"""About how wide a patch is drawn, in pixels: small ones enlarged a whole number of times, large ones reduced."""

LARGEST_CELL = 112
PATCH_GAP, UNIT_GAP, UNIT_TITLE_HEIGHT, TITLE_HEIGHT, NOTE_HEIGHT, ROW_NUMBER_WIDTH = 3, 26, 30, 64, 26, 60
"""In pixels: between patches, between units, above a unit, the title, a line of notes, the number beside a row."""

LARGEST_WIDTH = 2200
"""The most that a picture is wide, in pixels: 19 cm at 300 dots per inch."""


def draw_units(
    patches: Mapping[int, Sequence[Patch]], states: Mapping[int, str], *, title: str, note: str = "", kept: int = 9
) -> bytes:
    """A PNG of units, each with a square of deconvolutions and a square of patches; as the paper's figure 2.

    Each deconvolution has its own contrast, mid-gray is 0. Beyond a field, or the image, it is pale blue.

    Args:
        patches: for each unit what it sees; all of one size.
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
    if not patches:
        raise ShapeError("A picture of units needs one unit or more.")
    first = next((patch for each in patches.values() for patch in each), None)
    cell = cell_size(first)
    side = math.ceil(math.sqrt(kept))
    block = (side * (cell[0] + PATCH_GAP) - PATCH_GAP, -(-kept // side) * (cell[1] + PATCH_GAP) - PATCH_GAP)
    unit = (2 * block[0] + 2 * PATCH_GAP + UNIT_GAP, block[1] + UNIT_TITLE_HEIGHT + UNIT_GAP)
    columns = max(1, min(math.ceil(math.sqrt(len(patches) * unit[1] / unit[0])), (LARGEST_WIDTH - UNIT_GAP) // unit[0]))
    rows = -(-len(patches) // columns)
    sheet, pen = _sheet(columns * unit[0] + UNIT_GAP, rows * unit[1], title, [*filter(None, [note]), *legend(first)])
    for place, (number, each) in enumerate(patches.items()):
        left, top = UNIT_GAP + place % columns * unit[0], TITLE_HEIGHT + place // columns * unit[1]
        pen.text((left, top), f"{number}  {states.get(number, '')}".rstrip(), MUTED_COLOR, font=_font(18))
        for which, shift in (("signal", 0), ("pixels", block[0] + 2 * PATCH_GAP)):
            x, y = left + shift, top + UNIT_TITLE_HEIGHT
            pen.rectangle((x - 1, y - 1, x + block[0], y + block[1]), GAP_COLOR)
            for rank in range(kept):
                spot = (x + rank % side * (cell[0] + PATCH_GAP), y + rank // side * (cell[1] + PATCH_GAP))
                if rank < len(each):
                    sheet.paste(patch_image(each[rank], which, cell), spot)
                else:
                    pen.rectangle((*spot, spot[0] + cell[0] - 1, spot[1] + cell[1] - 1), PAPER_COLOR)
    return _png(sheet)


def draw_evolution(
    patches: Sequence[Mapping[int, Sequence[Patch]]],
    names: Sequence[str],
    states: Sequence[Mapping[int, str]] = (),
    *,
    title: str,
    note: str = "",
) -> bytes:
    """A PNG of the same units at several moments: one row per unit, one column per moment, as the paper's figure 4.

    Args:
        patches: for each moment, what each unit sees; its first patch is drawn, a dead unit leaves its cell empty.
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
    if not patches or len(names) != len(patches):
        raise ShapeError(f"{len(patches)} moments need one name for each, and there must be one or more.")
    first = next((patch for moment in patches for each in moment.values() for patch in each), None)
    cell = cell_size(first)
    step = max(2 * cell[0] + PATCH_GAP + 18, 96, *(math.ceil(_font(18).getlength(name)) + 18 for name in names))
    tall = cell[1] + (30 if any(any(state.values()) for state in states) else 12)
    units = list(patches[0])
    width, height = UNIT_GAP + ROW_NUMBER_WIDTH + len(patches) * step, UNIT_TITLE_HEIGHT + len(units) * tall + 10
    sheet, pen = _sheet(width, height, title, [*filter(None, [note]), *legend(first)])
    for row, unit in enumerate(units):
        top = TITLE_HEIGHT + UNIT_TITLE_HEIGHT + row * tall
        pen.text((UNIT_GAP, top + cell[1] // 2 - 9), str(unit), MUTED_COLOR, font=_font(18))
        for column, moment in enumerate(patches):
            left = UNIT_GAP + ROW_NUMBER_WIDTH + column * step
            if row == 0:
                pen.text((left, TITLE_HEIGHT), names[column], MUTED_COLOR, font=_font(18))
            if states:
                pen.text((left, top + cell[1] + 1), states[column].get(unit, ""), MUTED_COLOR, font=_font(14))
            for which, shift in (("signal", 0), ("pixels", cell[0] + PATCH_GAP)):
                if moment[unit]:
                    sheet.paste(patch_image(moment[unit][0], which, cell), (left + shift, top))
                else:
                    pen.rectangle((left + shift, top, left + shift + cell[0] - 1, top + cell[1] - 1), outline=GAP_COLOR)
    return _png(sheet)


def legend(patch: Patch | None) -> list[str]:
    """How a picture of units is read, in two lines; nothing where there is nothing to see."""
    if patch is None:
        return []
    height, width = patch.inside.shape
    return [
        "Left: the unit brought back to pixels, each picture with its own contrast; mid-gray is 0.",
        f"Right: the same {height} by {width} pixels of the image; pale blue is beyond the unit's field, or the image.",
    ]


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _sheet(width: int, height: int, title: str, notes: Sequence[str]) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """White paper with a title above, `height` free pixels below `TITLE_HEIGHT`, then notes; wide enough for all."""
    lengths = [_font(24).getlength(title), *(_font(18).getlength(note) for note in notes)]
    width = max(width, 2 * UNIT_GAP + math.ceil(max(lengths)))
    sheet = Image.new("RGB", (width, TITLE_HEIGHT + height + NOTE_HEIGHT * len(notes) + UNIT_GAP), PAPER_COLOR)
    pen = ImageDraw.Draw(sheet)
    pen.text((UNIT_GAP, 18), title, INK_COLOR, font=_font(24))
    for line, note in enumerate(notes):
        pen.text((UNIT_GAP, TITLE_HEIGHT + height + line * NOTE_HEIGHT), note, MUTED_COLOR, font=_font(18))
    return sheet, pen


def cell_size(patch: Patch | None) -> tuple[int, int]:
    """(width, height) at which patches of this size are drawn."""
    if patch is None:
        return (CELL_SIDE, CELL_SIDE)
    height, width = patch.inside.shape
    longest = max(height, width)
    if longest > LARGEST_CELL:
        return (max(1, width * LARGEST_CELL // longest), max(1, height * LARGEST_CELL // longest))
    zoom = max(1, round(CELL_SIDE / longest))
    return (width * zoom, height * zoom)


def patch_image(patch: Patch, which: str, cell: tuple[int, int]) -> Image.Image:
    """The "signal" or the "pixels" of a patch at this size, pale blue where the field leaves the image."""
    pixels = as_gray(patch.signal) if which == "signal" else patch.pixels
    colors = np.repeat(pixels, 3, axis=0) if pixels.shape[0] == 1 else pixels
    colors = np.where(patch.inside, colors, np.array(OUTSIDE_COLOR, dtype=np.uint8)[:, None, None])
    image = Image.fromarray(np.ascontiguousarray(colors.transpose(1, 2, 0)))
    grows = cell[0] >= image.width
    return image.resize(cell, Image.Resampling.NEAREST if grows else Image.Resampling.LANCZOS)


def _png(sheet: Image.Image) -> bytes:
    buffer = BytesIO()
    sheet.save(buffer, format="PNG", dpi=(300, 300), optimize=True)
    return buffer.getvalue()
