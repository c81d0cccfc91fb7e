"""Embed images: the point of each, or what a layer of the network gives for it, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ilk.data import Dataset
from ilk.errors import UsageError
from ilk.networks.layers import embed_layer, find_layer
from ilk.recipes import Space
from ilk.runs.events import SILENT, Events
from ilk.runs.open import load_for, open_space, place_in, warn_if_replaced
from ilk.runs.request import MAX_PIXELS, name_of
from ilk.storage.tables import refuse_foreign_table, write_embedding_parts, write_embeddings


@dataclass(frozen=True)
class EmbeddingsFile:
    """A table of points.

    Args:
        path: where it lies.
        images: how many there are.
        dim: the length of each vector.
        layer: whose output they are; None for the embedding itself.
    """

    path: Path
    images: int
    dim: int
    layer: str | None


def embed_images(
    folder: str | Path,
    data: str | Path,
    *,
    layer: str | None = None,
    flat: bool = False,
    out: Path | None = None,
    split: str | None = None,
    files: str | None = None,
    max_pixels: int = MAX_PIXELS,
    events: Events = SILENT,
) -> EmbeddingsFile:
    """Write the point of every image as Parquet: filename, embedding, label where known.

    Args:
        folder: a run, or an exported model.
        data: a folder, table, archive or image.
        layer: this layer's output in place of the embedding, each map averaged to one number unless `flat`.
        flat: all values of the maps.
        out: the table; None for one in the run that is named after the data.
        split, files, max_pixels: as for `evaluate_run()`; None for all splits.
        events: who is told.
    Raises:
        UsageError: no such run or layer, or a foreign file at `out`.
        DataError: images that cannot be used.
        ModelError: the model is damaged.
    """
    if flat and layer is None:
        raise UsageError("`flat` is about the maps of a layer: name the layer by `layer`.")
    if out is not None:
        refuse_foreign_table(out, ".parquet")
    name = f"embeddings-{name_of(str(data))}{f'-{layer}' if layer else ''}.parquet"
    target = out or place_in(Path(folder), name)
    _, space = open_space(Path(folder), str(data), "embed")
    if layer is not None:
        find_layer(space.network, layer)
    dataset = load_for(space, str(data), events, split=split, files=files, max_pixels=max_pixels)
    warn = warn_if_replaced(target, events)
    dim = write_points(target, space, dataset, layer, flat, events)
    warn()
    return EmbeddingsFile(target, len(dataset), dim, layer)


def write_points(target: Path, space: Space, dataset: Dataset, layer: str | None, flat: bool, events: Events) -> int:
    """Write the table; the length of its vectors. Memory grows with the images only for the embedding itself."""
    labels = [dataset.classes[t] if t >= 0 else None for t in dataset.targets]
    with events.progress("Embed") as update:
        if layer is not None:
            parts = embed_layer(space.network, dataset.images, layer, flat=flat, on_progress=update)
            return write_embedding_parts(target, dataset.names, parts, labels=labels)
        points = space.embed(dataset.images, update)
        write_embeddings(target, dataset.names, points, labels=labels)
        return points.shape[1]
