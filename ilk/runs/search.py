"""Search the images of a run, labeled or not, for those most similar to one image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ilk.data import Dataset
from ilk.errors import DataError, ModelError, UsageError
from ilk.neighbors import NeighborIndex
from ilk.recipes import Space
from ilk.runs.events import SILENT, Events
from ilk.runs.open import load_for, open_space
from ilk.runs.verify import repair_hint
from ilk.storage.predictions import read_labels
from ilk.storage.run import Run
from ilk.storage.tables import EmbeddingTable, read_embeddings


@dataclass(frozen=True)
class Match:
    """An image that was found.

    Args:
        rank: from 1.
        filename: its name in the run.
        distance: between the two points, at least 0, in the unit of the embedding.
        label: its own, or the predicted one.
        labeled: whether it is its own.
    """

    rank: int
    filename: str
    distance: float
    label: str
    labeled: bool


class SeveralImagesError(UsageError):
    """Not exactly one image was given."""


def search_images(folder: str | Path, image: str | Path, *, k: int = 12, events: Events = SILENT) -> tuple[Match, ...]:
    """The images of a run that are most similar to one, nearest first.

    Args:
        folder: of the run.
        image: an image file.
        k: how many; fewer where the run has fewer.
        events: who is told.
    Raises:
        UsageError: no such run, not one image, or k below 1.
        ModelError: the model or a table of the run is damaged.
    """
    if k < 1:
        raise UsageError(f"`k` must be 1 or more, not {k}.")
    run, space = open_space(Path(folder), str(image), "search")
    dataset = load_one(space, str(image), events)
    table, predicted = tables_of(run)
    distances, positions = NeighborIndex(table.vectors).search(space.embed(dataset.images), k)
    return tuple(
        Match(
            rank,
            table.names[i],
            float(distance),
            table.labels[i] or predicted.get(table.names[i], ""),
            table.labels[i] is not None,
        )
        for rank, (i, distance) in enumerate(zip(positions[0], distances[0], strict=True), start=1)
    )


def load_one(space: Space, image: str, events: Events) -> Dataset:
    """The data set that is one image; SeveralImagesError for more."""
    dataset = load_for(space, image, events)
    if len(dataset) != 1:
        raise SeveralImagesError(f"{image} holds {len(dataset):,} images; give one image file.")
    return dataset


def tables_of(run: Run) -> tuple[EmbeddingTable, dict[str, str]]:
    """The points of a run, and the predicted label of each image by its name.

    Raises:
        ModelError: a table is damaged, with what makes it again.
    """
    try:
        return read_embeddings(run.embeddings), read_labels(run.predictions)
    except DataError as error:
        raise ModelError(f"{error} {repair_hint(run)}") from error
