"""Places of the boxes in a network's picture: layers in series below one another, branches side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ilk.insight.description import INPUT, Layer

IN_PLACE_KINDS = ("ReLU", "batch norm", "dropout", "identity", "clamp", "power", "PReLU", "activation")
"""Kinds that are named in the box of the layer before them."""


@dataclass
class Box:
    """A layer and the kinds of the operations on its output that share its box."""

    layer: Layer
    after: list[str]
    sources: list[int]


@dataclass(frozen=True)
class Placement:
    """A group of boxes with its size, and the place of each box in it, in units of one box; y grows downwards."""

    width: float
    height: float
    places: dict[int, tuple[float, float]]


def boxes_of(layers: Sequence[Layer]) -> list[Box]:
    """The boxes in the order of computation, each with the positions of those before it; the image is none."""
    uses: dict[str, int] = {}
    for layer in layers:
        for name in layer.inputs:
            uses[name] = uses.get(name, 0) + 1
    boxes: list[Box] = []
    at: dict[str, int] = {}
    for layer in layers:
        before = [at[name] for name in layer.inputs if name in at]
        alone = len(layer.inputs) == 1 and layer.inputs[0] != INPUT and uses[layer.inputs[0]] == 1
        if alone and before and layer.kind in IN_PLACE_KINDS:
            boxes[before[0]].after.append(layer.kind)
            at[layer.name] = before[0]
        else:
            at[layer.name] = len(boxes)
            boxes.append(Box(layer, [], sorted(set(before))))
    return boxes


def arrange(boxes: Sequence[Box]) -> list[Placement]:
    """The picture's segments from top to bottom, cut wherever everything passes through one box or round it."""
    before = [0] * len(boxes)  # the boxes above each, as bits
    for i, box in enumerate(boxes):
        for source in box.sources:
            before[i] |= before[source] | 1 << source
    return _series(list(range(len(boxes))), boxes, before)


def _series(members: list[int], boxes: Sequence[Box], before: list[int]) -> list[Placement]:
    mask = sum(1 << i for i in members)
    below = {i: sum(1 << j for j in members if before[j] >> i & 1) for i in members}
    cuts = [i for i in members if (before[i] & mask) | below[i] | 1 << i == mask]
    if not cuts and len(_components(members, boxes)) == 1:
        return [_by_depth(members, boxes)]
    segments: list[Placement] = []
    rest: list[int] = []
    for i in members:
        if i in cuts:
            segments += [_parallel(rest, boxes, before)] if rest else []
            segments.append(Placement(1.0, 1.0, {i: (0.0, 0.0)}))
            rest = []
        else:
            rest.append(i)
    return segments + ([_parallel(rest, boxes, before)] if rest else [])


def _parallel(members: list[int], boxes: Sequence[Box], before: list[int]) -> Placement:
    """Branches that do not touch one another, side by side."""
    parts = [stack(_series(branch, boxes, before)) for branch in _components(members, boxes)]
    height = max(part.height for part in parts)
    places: dict[int, tuple[float, float]] = {}
    left = 0.0
    for part in parts:
        places |= {i: (left + x, y + (height - part.height) / 2) for i, (x, y) in part.places.items()}
        left += part.width
    return Placement(left, height, places)


def _components(members: list[int], boxes: Sequence[Box]) -> list[list[int]]:
    root = {i: i for i in members}

    def find(i: int) -> int:
        while root[i] != i:
            i = root[i]
        return i

    for i in members:
        for source in boxes[i].sources:
            if source in root:
                root[find(i)] = find(source)
    groups: dict[int, list[int]] = {}
    for i in members:
        groups.setdefault(find(i), []).append(i)
    return list(groups.values())


def _by_depth(members: list[int], boxes: Sequence[Box]) -> Placement:
    """What is neither branches nor a series, in rows."""
    depth: dict[int, int] = {}
    for i in members:
        depth[i] = max((depth[source] + 1 for source in boxes[i].sources if source in depth), default=0)
    rows = [[i for i in members if depth[i] == row] for row in range(max(depth.values()) + 1)]
    width = max(map(len, rows))
    places = {i: (x + (width - len(row)) / 2, float(y)) for y, row in enumerate(rows) for x, i in enumerate(row)}
    return Placement(float(width), float(len(rows)), places)


def stack(parts: Sequence[Placement]) -> Placement:
    """Groups one below the other, on one middle line."""
    width = max(part.width for part in parts)
    places: dict[int, tuple[float, float]] = {}
    top = 0.0
    for part in parts:
        places |= {i: (x + (width - part.width) / 2, top + y) for i, (x, y) in part.places.items()}
        top += part.height
    return Placement(width, top, places)


COLUMN_GAP = 0.35
"""Between two columns, in widths of a box."""


def arrange_columns(
    segments: Sequence[Placement], boxes: Sequence[Box], aspect: float
) -> tuple[Placement, dict[int, float]]:
    """The segments in columns like a newspaper's, so many that width is about `aspect` times the height.

    A column ends only where a single box feeds all that follows.

    Returns:
        the places, and for each box the left edge of its column.
    """
    whole = stack(segments).height
    limits = sorted({whole / count * slack for count in range(1, 13) for slack in (1.0, 1.1, 1.2, 1.3)})
    candidates = [_split_columns(segments, boxes, limit) for limit in limits]

    def off(columns: Sequence[Placement]) -> float:
        """How far a picture is from `aspect`, and how much of it stays empty."""
        placed, _ = _join_columns(columns)
        shortest = min(column.height for column in columns)
        return abs(math.log(placed.width / placed.height / aspect)) + 0.5 * (1 - shortest / placed.height)

    return _join_columns(min(candidates, key=off))


def _split_columns(segments: Sequence[Placement], boxes: Sequence[Box], limit: float) -> list[Placement]:
    columns: list[list[Placement]] = [[]]
    for segment in segments:
        full = columns[-1] and stack([*columns[-1], segment]).height > limit
        if full and _one_source(segment, boxes):
            columns.append([])
        columns[-1].append(segment)
    return [stack(column) for column in columns]


def _one_source(segment: Placement, boxes: Sequence[Box]) -> bool:
    first = min(segment.places)
    crossing = {source for i in range(first, len(boxes)) for source in boxes[i].sources if source < first}
    return len(crossing) == 1


def _join_columns(columns: Sequence[Placement]) -> tuple[Placement, dict[int, float]]:
    places: dict[int, tuple[float, float]] = {}
    edges: dict[int, float] = {}
    left = 0.0
    for column in columns:
        places |= {i: (left + x, y) for i, (x, y) in column.places.items()}
        edges |= dict.fromkeys(column.places, left)
        left += column.width + COLUMN_GAP
    return Placement(left - COLUMN_GAP, max(column.height for column in columns), places), edges
