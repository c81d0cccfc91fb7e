"""What `ilk describe` finds and says: a network by name or of a run, its table, its picture."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from shlex import quote
from typing import Any

from torch import nn

from ilk.cli.console import Console
from ilk.cli.layer_table import table
from ilk.errors import UsageError
from ilk.insight import Description, describe
from ilk.networks import NETWORKS, canonical_name, outline, own_channels
from ilk.storage.files import write_bytes
from ilk.storage.run import CONFIG

HEAD = 4096


def show(
    target: str,
    console: Console,
    *,
    size: int | None = None,
    head: int | None = None,
    channels: int | None = None,
    strided: bool = False,
    out: Path | None = None,
) -> None:
    """Describe a network by its name, or that of a run by its folder.

    Raises:
        UsageError: there is no such network or run, a run is given settings of its own, the images are too small for
            the network, or the picture has no place.
    """
    if out is not None:
        refuse_foreign_picture(out)
    is_run = Path(target, CONFIG).is_file() or len(Path(target).parts) != 1
    if is_run and (size, head, channels, strided) != (None, None, None, False):
        raise UsageError(
            f"The run {target} has a network of its own. Leave --size, --head, --channels and --strided out, or name "
            "a network."
        )
    which, network, depth, shape = _of_run(Path(target)) if is_run else _by_name(target, size, head, channels, strided)
    described = describe(network, channels=depth, size=shape)
    name = f"{which['network']}{', strided' if which['strided'] else ''}"
    where = f" of {quote(str(which['run']))}" if is_run else ""
    title = f"{name}{where}, {shape[0]}×{shape[1]} px, {'gray' if depth == 1 else f'{depth} channels'}"
    console.say(title)
    if not console.as_json:
        for line in table(described, shutil.get_terminal_size((100, 24)).columns):
            console.say(line)
    console.result(total(described))
    drawn: dict[str, Any] = {}
    if out is not None:
        from ilk.insight.drawing import draw

        write_bytes(out, draw(described, title, out.suffix.lower()[1:]))
        console.result(str(out))
        drawn = {"picture": str(out)}
    console.emit(**which, channels=depth, size=list(shape), **drawn, **described.as_json())


def _of_run(folder: Path) -> tuple[dict[str, Any], nn.Module, int, tuple[int, int]]:
    from ilk.runs.open import open_space  # it brings the search for neighbors, which a network by name needs not

    run, space = open_space(folder, command="describe")
    which = {"network": space.network_name, "strided": bool(space.options.get("strided")), "run": str(run.path)}
    return which, space.network, space.channels, space.size


def _by_name(
    given: str, size: int | None, head: int | None, channels: int | None, strided: bool
) -> tuple[dict[str, Any], nn.Module, int, tuple[int, int]]:
    try:
        name = canonical_name(given)
    except UsageError as error:
        meant = Path("runs", given)
        if not Path(meant, CONFIG).is_file():
            raise
        raise UsageError(f"{error} There is a run of that name: ilk describe {quote(str(meant))}") from error
    side = size or NETWORKS[name].paper_size
    depth = channels or own_channels(name)
    network = outline(name, channels=depth, size=(side, side), dim=head, strided=strided)
    return {"network": name, "strided": strided}, network, depth, (side, side)


def total(described: Description) -> str:
    """The sums in one line."""
    return f"{described.parameters:,} parameters, {described.multiply_adds:,} multiply-adds per image"


def refuse_foreign_picture(path: Path) -> None:
    """Refuse to draw over a file that is no picture of `ilk describe`.

    Raises:
        UsageError: such a file is there, or the place is a folder or in none.
    """
    if not os.path.lexists(path):
        if not path.parent.is_dir():
            raise UsageError(f"{path} cannot be written: there is no folder {path.parent}. Make it by mkdir.")
        return
    from ilk.insight.drawing import CREATOR

    try:
        with path.open("rb") as file:
            ours = CREATOR.encode() in file.read(HEAD)
    except OSError:
        ours = False
    if not ours:
        raise UsageError(
            f"{path} is there and was not written by Ilk, so it is left alone. Name another place by --out."
        )
