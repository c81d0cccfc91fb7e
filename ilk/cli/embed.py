"""`ilk embed`: the point of every image, or what a layer gives for it, as a table."""

from __future__ import annotations

from typing import Annotated

import typer

from ilk.cli.options import (
    AsJson,
    Data,
    Debug,
    Files,
    MaxPixels,
    Out,
    Quiet,
    RunFolder,
    Seed,
    Split,
    name_of,
    parsed_count,
)

Layer = Annotated[str | None, typer.Option(metavar="L", help="This layer's output, each map averaged to 1 number.")]
Flat = Annotated[bool, typer.Option("--flat", help="With --layer: all values of the maps.")]


def embed(
    run: RunFolder,
    data: Data,
    layer: Layer = None,
    flat: Flat = False,
    out: Out = None,
    files: Files = None,
    split: Split = None,
    max_pixels: MaxPixels = "100M",
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write the embedding of every image of DATA as Parquet: filename, embedding, label where known."""
    if flat and layer is None:
        raise typer.BadParameter("--flat is about the maps of a layer: name the layer by --layer.")
    pixels = parsed_count(max_pixels)
    from ilk.cli.console import Console
    from ilk.networks.layers import embed_layer, find_layer
    from ilk.runs.open import load_for, open_space, place_in, replaced
    from ilk.storage.tables import refuse_foreign_table, write_embedding_parts, write_embeddings

    console = Console(quiet, json)
    if out is not None:
        refuse_foreign_table(out, ".parquet")
    target = out or place_in(run, f"embeddings-{name_of(data)}{f'-{layer}' if layer else ''}.parquet")
    _, space = open_space(run, data, "embed")
    if layer is not None:
        find_layer(space.network, layer)
    dataset = load_for(space, data, console, split=split, files=files, max_pixels=pixels)
    earlier = target.exists()
    labels = [dataset.classes[t] if t >= 0 else None for t in dataset.targets]
    with console.progress("Embed") as update:
        if layer is None:
            points = space.embed(dataset.images, update)
            write_embeddings(target, dataset.names, points, labels=labels)
            dim = points.shape[1]
        else:
            parts = embed_layer(space.network, dataset.images, layer, flat=flat, on_progress=update)
            dim = write_embedding_parts(target, dataset.names, parts, labels=labels)
    if earlier:
        console.warn(replaced(target))
    of_layer = {} if layer is None else {"layer": layer}
    console.say(f"{len(dataset):,} images in {dim} dimensions{f' of layer {layer}' if layer else ''}")
    console.result(str(target))
    console.emit(event="embedded", embeddings=str(target), images=len(dataset), dimensions=dim, **of_layer)
