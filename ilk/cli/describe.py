"""`ilk describe`: the layers of a network in figures, and as a picture."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ilk.cli.options import AsJson, Debug, Quiet, Seed

if TYPE_CHECKING:
    from ilk.cli.console import Console
    from ilk.runs.describe import NetworkDescription

NetworkOrRun = Annotated[
    str, typer.Argument(metavar="NETWORK", help="A network's name, or a run folder.", show_default=False)
]
Size = Annotated[
    int | None, typer.Option(metavar="PX", min=1, max=10_000, help="Side of the images; the paper's unless said.")
]
Head = Annotated[int | None, typer.Option(metavar="N", min=1, help="Dimensions of the embedding, e.g. 1000.")]
Channels = Annotated[int | None, typer.Option(metavar="N", min=1, help="1 (gray) or 3 (RGB).")]
Strided = Annotated[bool, typer.Option("--strided", help="Strided convolutions in place of pools.")]
Picture = Annotated[Path | None, typer.Option(metavar="F.svg", help="Draw it too; .svg or .png.")]


def describe(
    network: NetworkOrRun,
    size: Size = None,
    head: Head = None,
    channels: Channels = None,
    strided: Strided = False,
    out: Picture = None,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show each layer's output shape, receptive field, parameters and multiply-adds."""
    if not network.strip():
        raise typer.BadParameter("Name a network, such as resnet-18, or the folder of a run.")
    if out is not None and out.suffix.lower() not in (".svg", ".png"):
        raise typer.BadParameter(f"--out must end in .svg or .png, not {out.name!r}.")
    from ilk.cli.console import Console
    from ilk.runs.describe import describe_network

    found = describe_network(network, size=size, head=head, channels=channels, strided=strided, out=out)
    tell_description(found, Console(quiet, json))


def tell_description(found: NetworkDescription, console: Console) -> None:
    """The table, as wide as the terminal, and the sums; for programs one object."""
    from ilk.cli.layer_table import table

    console.say(found.title)
    if not console.as_json:
        for line in table(found.layers, shutil.get_terminal_size((100, 24)).columns):
            console.say(line)
    total, operations = found.layers.parameters, found.layers.multiply_adds
    console.result(f"{total:,} parameters, {operations:,} multiply-adds per image")
    if found.picture is not None:
        console.result(str(found.picture))
    console.emit(**found.as_json())
