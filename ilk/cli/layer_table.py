"""The layers of a network as a table on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from ilk.insight import Description, Layer
from ilk.insight.layout import IN_PLACE_KINDS

HEAD = ("layer", "kind", "output", "sees", "stride", "offset", "parameters", "multiply-adds")
WORDS = 2  # of the columns, those that are words; the others are figures


def table(described: Description, width: int = 100) -> Iterator[str]:
    """The layers as lines of at most `width` characters where their names allow it.

    Where they do not fit on one line each, name and kind stand on a line and the figures on the next; a layer that
    works in place, such as a ReLU, then has one line, because its output and field are those of the layer before.
    """
    rows = [HEAD, *(_cells(layer) for layer in described.layers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    if sum(widths) + 2 * (len(widths) - 1) > width:
        yield from _folded(rows, _in_place(described), width)
        return
    for row in rows:
        left = (cell.ljust(space) for cell, space in zip(row[:3], widths[:3], strict=True))
        right = (cell.rjust(space) for cell, space in zip(row[3:], widths[3:], strict=True))
        yield "  ".join([*left, *right]).rstrip()


def _in_place(described: Description) -> list[bool]:
    """Whether each row, that of the head first, is of a layer that gives what the row before it gives."""
    before: Layer | None = None
    found = [False]
    for layer in described.layers:
        follows = before is not None and layer.inputs == (before.name,) and layer.kind in IN_PLACE_KINDS
        found.append(follows and before is not None and layer.output_shape == before.output_shape)
        before = layer
    return found


def _folded(rows: list[tuple[str, ...]], in_place: list[bool], width: int) -> Iterator[str]:
    figures = [max(len(row[column]) for row in rows) for column in range(WORDS, len(HEAD))]
    names = max(len(row[0]) for row in rows)
    whole = 2 * len(figures) + sum(figures)
    for row, short in zip(rows, in_place, strict=True):
        first = f"{row[0].ljust(names)}  {row[1]}"
        first = first if len(first) <= width else f"{row[0]} {row[1]}"
        if short:
            cost = row[-2].rjust(max(0, whole - figures[-1] - 2 - len(first)))
            yield first if not row[-2] or len(first) + len(cost) > width else first + cost
            continue
        yield first
        if whole <= width:
            yield "".join(f"  {cell.rjust(space)}" for cell, space in zip(row[WORDS:], figures, strict=True)).rstrip()
        else:  # no room for columns
            yield from wrap("  ".join(filter(None, row[2:])), width, initial_indent="  ", subsequent_indent="  ")


def _cells(layer: Layer) -> tuple[str, ...]:
    seen = layer.receptive_field
    fields = ("", "", "")
    if seen is not None:
        least = seen.least_size if seen.least_size != seen.size else None
        strides = "–" if seen.stride == (None, None) else _pair(seen.stride)
        offset = "–" if seen.stride == (None, None) else _pair(seen.offset)
        fields = (_pair(seen.size) if least is None else f"{_pair(least)} to {_pair(seen.size)}", strides, offset)
    kind = f"{layer.kind} {layer.window}".strip()
    costs = tuple(f"{count:,}" if count else "" for count in (layer.parameters, layer.multiply_adds))
    return (layer.name, kind, "×".join(map(str, layer.output_shape)), *fields, *costs)


def _pair(pair: tuple[int | None, int | None]) -> str:
    height, width = ("–" if value is None else str(value) for value in pair)
    return height if height == width else f"{height}×{width}"
