"""`ilk search`: the images of a run that are most like one."""

from __future__ import annotations

from typing import Annotated

import typer

from ilk.cli.options import AsJson, Debug, Quiet, RunFolder, Seed


def search(
    run: RunFolder,
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="An image file.", show_default=False)],
    k: Annotated[int, typer.Option("-k", metavar="K", help="How many.")] = 12,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Find the images of a run, labeled or not, that are most like IMAGE, nearest first."""
    if k < 1:
        raise typer.BadParameter(f"-k must be 1 or more, not {k}.")
    from ilk.cli.console import Console
    from ilk.errors import DataError, ModelError
    from ilk.neighbors import NeighborIndex
    from ilk.runs.open import load_for, open_space
    from ilk.runs.verify import mended_by
    from ilk.storage.tables import read_embeddings, read_labels

    console = Console(quiet, json)
    opened, space = open_space(run, image, "search")
    dataset = load_for(space, image, console)
    if len(dataset) != 1:
        raise typer.BadParameter(f"{image} holds {len(dataset):,} images; give one image file.")
    try:
        table, predicted = read_embeddings(opened.embeddings), read_labels(opened.predictions)
    except DataError as error:
        raise ModelError(f"{error} {mended_by(opened)}") from error
    names, labels = table.names, table.labels
    distances, positions = NeighborIndex(table.vectors).search(space.embed(dataset.images), k)
    width = max(len(names[i]) for i in positions[0])
    for rank, (i, distance) in enumerate(zip(positions[0], distances[0], strict=True), start=1):
        label, known = labels[i] or predicted.get(names[i], ""), labels[i] is not None
        console.result(f"{rank:3d}  {distance:9.3f}  {names[i]:<{width}}  {label}{'' if known else ' (predicted)'}")
        console.emit(rank=rank, filename=names[i], distance=float(distance), label=label, labeled=known)
