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
    from ilk.runs.embed import embed_images

    console = Console(quiet, json)
    found = embed_images(
        run, data, layer=layer, flat=flat, out=out, split=split, files=files, max_pixels=pixels, events=console
    )
    of_layer = {} if layer is None else {"layer": layer}
    console.say(f"{found.images:,} images in {found.dim} dimensions{f' of layer {layer}' if layer else ''}")
    console.result(str(found.path))
    console.emit(event="embedded", embeddings=str(found.path), images=found.images, dimensions=found.dim, **of_layer)
