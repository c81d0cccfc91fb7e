"""`ilk embed`: the point of every image, as a table."""

from __future__ import annotations

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


def embed(
    run: RunFolder,
    data: Data,
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
    pixels = parsed_count(max_pixels)
    from ilk.cli.console import Console
    from ilk.cli.opening import open_and_embed, place_in, replaced
    from ilk.storage.tables import refuse_foreign, write_embeddings

    console = Console(quiet, json)
    if out is not None:
        refuse_foreign(out, ".parquet")
    target = out or place_in(run, f"embeddings-{name_of(data)}.parquet")
    _, _, dataset, points = open_and_embed(
        run, data, console, split=split, files=files, max_pixels=pixels, command="embed"
    )
    earlier = target.exists()
    labels = [dataset.classes[t] if t >= 0 else None for t in dataset.targets]
    write_embeddings(target, dataset.names, points, labels=labels)
    if earlier:
        console.warn(replaced(target))
    console.say(f"{len(points):,} images in {points.shape[1]} dimensions")
    console.result(str(target))
    console.emit(event="embedded", embeddings=str(target), images=len(points), dimensions=points.shape[1])
