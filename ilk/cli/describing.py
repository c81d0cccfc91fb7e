"""What `ilk describe` finds and says: a network by name or of a run, its table, its picture."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from textwrap import wrap
from typing import Any

import torch
from torch import nn

from ilk.cli.console import Console
from ilk.cli.opening import open_space
from ilk.errors import UsageError
from ilk.insight import Description, Layer, describe
from ilk.networks import NETWORKS, build, canonical_name
from ilk.storage.files import write_bytes
from ilk.storage.run import CONFIG

FALLBACK_SIZE = 32


def show(
    target: str,
    console: Console,
    *,
    size: int | None = None,
    head: int | None = None,
    channels: int | None = None,
    out: Path | None = None,
) -> None:
    """Describe a network by its name, or that of a run by its folder.

    Raises:
        UsageError: there is no such network or run, a run is given settings of its own, the images are too small for
            the network, or the picture has no place.
    """
    if out is not None and not out.parent.is_dir():
        raise UsageError(f"{out} cannot be written: there is no folder {out.parent}. Make it by mkdir.")
    is_run = Path(target, CONFIG).is_file() or len(Path(target).parts) > 1
    if is_run and (size, head, channels) != (None, None, None):
        raise UsageError(
            f"The run {target} has a size, a head and channels of its own. Leave --size, --head and --channels out, "
            "or name a network."
        )
    name, network, depth, shape = _of_run(Path(target)) if is_run else _by_name(target, size, head, channels)
    described = describe(network, channels=depth, size=shape)
    title = f"{name}, {shape[0]}×{shape[1]} px, {'gray' if depth == 1 else f'{depth} channels'}"
    console.say(title)
    if not console.quiet and not console.as_json:
        width = shutil.get_terminal_size((100, 24)).columns
        for line in table(described, width):
            console.say(line)
    console.result(total(described))
    drawn: dict[str, Any] = {}
    if out is not None:
        from ilk.insight.drawing import draw

        write_bytes(out, draw(described, title, out.suffix.lower()[1:]))
        console.result(str(out))
        drawn = {"picture": str(out)}
    console.emit(network=name, channels=depth, size=list(shape), **drawn, **described.as_json())


def _of_run(folder: Path) -> tuple[str, nn.Module, int, tuple[int, int]]:
    run, space = open_space(folder)
    return f"{space.network_name} of {quote(str(run.path))}", space.network, space.channels, space.size


def _by_name(
    given: str, size: int | None, head: int | None, channels: int | None
) -> tuple[str, nn.Module, int, tuple[int, int]]:
    name = canonical_name(given)
    network_class = NETWORKS[name]
    depth = channels or inspect.signature(network_class).parameters["channels"].default
    side = size or getattr(network_class, "paper_size", FALLBACK_SIZE)
    with torch.device("meta"):
        return name, build(name, channels=depth, size=(side, side), dim=head), depth, (side, side)


def total(described: Description) -> str:
    """The sums in one line."""
    return f"{described.parameters:,} parameters, {described.multiply_adds:,} multiply-adds per image"


def table(described: Description, width: int = 100) -> Iterator[str]:
    """The layers as lines of at most `width` characters where names allow it, folded where the terminal is narrow."""
    head = ("layer", "kind", "output", "sees", "stride", "offset", "parameters", "multiply-adds")
    rows = [head, *(_cells(layer) for layer in described.layers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    if sum(widths) + 2 * len(widths) - 2 > width:
        yield from _folded(rows, width)
        return
    for row in rows:
        left = (cell.ljust(space) for cell, space in zip(row[:3], widths[:3], strict=True))
        right = (cell.rjust(space) for cell, space in zip(row[3:], widths[3:], strict=True))
        yield "  ".join([*left, *right]).rstrip()


def _folded(rows: list[tuple[str, ...]], width: int) -> Iterator[str]:
    """Name and kind on one line, figures on the next."""
    figures = [max(len(row[column]) for row in rows) for column in range(2, 8)]
    names = max(len(row[0]) for row in rows)
    for row in rows:
        first = f"{row[0].ljust(names)}  {row[1]}"
        yield first if len(first) <= width else f"{row[0]} {row[1]}"
        cells = [cell.rjust(space) for cell, space in zip(row[2:], figures, strict=True)]
        line = "  " + "  ".join(cells).rstrip()
        if len(figures) * 2 + sum(figures) <= width:
            yield line
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
