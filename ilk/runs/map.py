"""Map a finished run: its tables and images read again, projected, and written as three files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ilk.errors import IlkError, UsageError
from ilk.maps import Map, MapContent, draw_map, fit_map, render_page
from ilk.recipes import Space
from ilk.runs.events import SILENT, Events
from ilk.runs.open import load_for, open_space
from ilk.runs.request import request_of
from ilk.shapes import EVIDENCE, Pixels, Vectors
from ilk.storage.files import begins_with, refuse_foreign, write_bytes, write_csv, write_error, write_text
from ilk.storage.lock import holding
from ilk.storage.predictions import read_predictions
from ilk.storage.run import Run, read_config
from ilk.storage.tables import read_embeddings

OURS = b"Ilk map</title>"


@dataclass(frozen=True)
class MapState:
    """A map, what it shows, and how many of its images were added; the added ones come last."""

    map: Map
    content: MapContent
    added: int


@dataclass(frozen=True)
class MapFiles:
    """The three files of a map, and what they show.

    Args:
        page, picture, table: where they lie.
        images, labeled, added: how many images, how many of them labeled, and how many added to those of the run.
        note: how the map was made, and how many neighbors it preserves, in words.
        map: the projection.
        thumbnails: whether the page shows the images.
    """

    page: Path
    picture: Path
    table: Path
    images: int
    labeled: int
    added: int
    note: str
    map: Map
    thumbnails: bool


def map_run(
    folder: str | Path,
    *,
    add: Sequence[str] = (),
    out: Path | None = None,
    method: str = "auto",
    sample: int | None = None,
    seed: int = 0,
    events: Events = SILENT,
) -> MapFiles:
    """Draw the space of a run in two dimensions: a page, a picture and a table.

    Args:
        folder: of the run.
        add: other images, placed without moving the run's own.
        out: the page, picture and table beside it; None for map.html in the run.
        method: "auto", "tsne" or "pca".
        sample: draw the labeled and so many other images; None for all.
        seed: of the projection and the sample.
        events: who is told.
    Raises:
        UsageError: no such run, an unfinished one, or a foreign file at `out`.
        DataError: its tables cannot be read, or the images to add cannot be used.
    """
    if out is not None:
        refuse_foreign_page(out)
    run, space = open_space(Path(folder))
    points, content = read_rows(run, space, events)
    if sample is not None:
        kept = sampled(content.targets, sample, seed)
        points, content = points[kept], rows_of(content, kept)
    with events.progress("Map") as update:
        fitted = fit_map(points, content.targets >= 0, seed, method, update)
    content = replace(content, positions=fitted.positions, note=fitted.caption())
    drawn = MapState(fitted, content, 0)
    for source in add:
        drawn = added_to(drawn, space, source, events)
    with holding(run) if out is None else nullcontext():
        page, picture, table = write_map(run, drawn, out, events)
    content = drawn.content
    return MapFiles(
        page=page,
        picture=picture,
        table=table,
        images=len(content.names),
        labeled=int((content.targets >= 0).sum()),
        added=drawn.added,
        note=content.note,
        map=fitted,
        thumbnails=content.images is not None,
    )


def read_rows(run: Run, space: Space, events: Events) -> tuple[Vectors, MapContent]:
    """The points of a run and what its tables say of each; the positions are still to come.

    Raises:
        DataError: a table is missing or damaged.
    """
    table = read_embeddings(run.embeddings)
    number = {name: i for i, name in enumerate(space.classes)}
    position = {name: i for i, name in enumerate(table.names)}
    n = len(table.names)
    answers, confidence, status = np.full(n, -1), np.zeros(n), ["unlike"] * n
    neighbors, distances = np.full((n, EVIDENCE), -1), np.zeros((n, EVIDENCE))
    for row in read_predictions(run.predictions):
        i = position.get(row.filename)
        if i is None:
            continue
        answers[i], confidence[i], status[i] = number.get(row.label, -1), row.confidence, row.status
        neighbors[i] = [position.get(name, -1) for name in row.neighbors]
        distances[i] = row.distances
    return table.vectors, MapContent(
        title=run.path.resolve().name,
        positions=np.zeros((n, 2)),
        names=table.names,
        targets=np.array([number.get(label, -1) if label is not None else -1 for label in table.labels]),
        answers=answers,
        confidence=confidence,
        status=status,
        classes=space.classes,
        neighbors=neighbors,
        distances=distances,
        images=images_again(run, space, table.names, events),
    )


def images_again(run: Run, space: Space, names: tuple[str, ...], events: Events) -> Pixels | None:
    """The images of a run, read again as it read them; None, and a warning, where they are not the same any more."""
    try:
        dataset = request_of(read_config(run)).load(events)
    except (IlkError, OSError) as error:
        events.warn(f"the map has no thumbnails, for the images of the run cannot be read again: {error}")
        return None
    if dataset.names != names:
        events.warn(
            f"the map has no thumbnails, for {dataset.source} holds other images than when the run was made: "
            f"{len(dataset):,} now, {len(names):,} then"
        )
        return None
    return dataset.in_color().images if space.channels == 3 else dataset.images


def sampled(targets: np.ndarray, most: int, seed: int) -> np.ndarray:
    """The positions of all labeled images and of `most` others, drawn evenly, ascending."""
    others = np.flatnonzero(targets < 0)
    drawn = np.random.default_rng(seed).permutation(others)[:most]
    return np.sort(np.concatenate([np.flatnonzero(targets >= 0), drawn]))


def rows_of(content: MapContent, kept: np.ndarray) -> MapContent:
    """Some of the images; a neighbor that is not among them is left out."""
    place = np.full(len(content.names) + 1, -1)
    place[kept] = np.arange(len(kept))
    return replace(
        content,
        positions=content.positions[kept],
        names=[content.names[i] for i in kept],
        targets=content.targets[kept],
        answers=content.answers[kept],
        confidence=content.confidence[kept],
        status=[content.status[i] for i in kept],
        neighbors=place[content.neighbors[kept]],
        distances=content.distances[kept],
        images=None if content.images is None else content.images[kept],
    )


def added_to(drawn: MapState, space: Space, source: str, events: Events) -> MapState:
    """The map with other images placed on it, answered by the run's model; what was there stays where it is."""
    fitted, content = drawn.map, drawn.content
    dataset = load_for(space, source, events)
    with events.progress("Embed") as update:
        points = space.embed(dataset.images, update)
    with events.progress("Place") as update:
        positions = fitted.place(points, update)
    answers = space.classifier.predict(points, neighbors=EVIDENCE)
    position = {name: i for i, name in enumerate(content.names)}
    references = np.array([position.get(name, -1) for name in space.reference_names])
    number = {name: i for i, name in enumerate(space.classes)}
    known = [number.get(dataset.classes[t], -1) if t >= 0 else -1 for t in dataset.targets]
    width = min(EVIDENCE, answers.neighbors.shape[1])
    neighbors = np.full((len(points), EVIDENCE), -1)
    neighbors[:, :width] = references[answers.neighbors[:, :width]]
    distances = np.zeros((len(points), EVIDENCE))
    distances[:, :width] = answers.distances[:, :width]
    images = content.images
    if images is not None and images.shape[1:] != dataset.images.shape[1:]:
        events.warn("the map has no thumbnails, for the added images differ from those of the run in size")
        images = None
    added = drawn.added + len(points)
    later = np.arange(len(content.names) + len(points)) >= len(content.names) - drawn.added
    more = replace(
        content,
        positions=np.concatenate([content.positions, positions]),
        names=[*content.names, *dataset.names],
        targets=np.concatenate([content.targets, np.array(known, dtype=np.int64)]),
        answers=np.concatenate([content.answers, answers.label]),
        confidence=np.concatenate([content.confidence, answers.confidence.astype(np.float64)]),
        status=[*content.status, *map(str, answers.status)],
        neighbors=np.concatenate([content.neighbors, neighbors]),
        distances=np.concatenate([content.distances, distances]),
        images=None if images is None else np.concatenate([images, dataset.images]),
        added=later,
    )
    return MapState(fitted, more, added)


def write_map(run: Run, drawn: MapState, out: Path | None, events: Events) -> tuple[Path, Path, Path]:
    """Write the page, the picture and the table; where they lie."""
    content = drawn.content
    page, picture, table = places(run, out)
    earlier = page.exists()
    later = np.zeros(len(content.names), dtype=bool) if content.added is None else content.added
    write_csv(table, ["filename", "x", "y", "label", "status", "added"], table_rows(content, later))
    try:
        picture.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise write_error(error, picture.parent) from error
    png = draw_map(content.positions, content.targets, content.classes, added=later, note=content.note, pixels=1800)
    write_bytes(picture, png)
    with events.progress("Images") as update:
        write_text(page, render_page(content, update))
    if earlier:
        events.say(f"Replaced the earlier {page}")
    return page, picture, table


def table_rows(content: MapContent, later: np.ndarray) -> Iterator[tuple[object, ...]]:
    """The rows of map.csv, in the order of the images; `later` says which were added."""
    for i, (x, y) in enumerate(content.positions):
        labeled = content.targets[i] >= 0
        yield (
            content.names[i],
            f"{x:.6g}",
            f"{y:.6g}",
            content.classes[content.targets[i]] if labeled else class_name(content, i),
            "labeled" if labeled else content.status[i],
            int(later[i]),
        )


def places(run: Run, out: Path | None) -> tuple[Path, Path, Path]:
    """Where the page, the picture and the table go: into the run, or beside the given page."""
    if out is None:
        return run.map, run.plots / "map.png", run.path / "map.csv"
    return out, out.with_suffix(".png"), out.with_suffix(".csv")


def class_name(content: MapContent, i: int) -> str:
    """The answer for image i; empty where there is none."""
    return content.classes[content.answers[i]] if content.answers[i] >= 0 else ""


def refuse_foreign_page(path: Path) -> None:
    """Refuse to write the page over a file that is no map of Ilk's.

    Raises:
        UsageError: such a file is there, or the place is a folder.
    """
    if path.suffix.lower() not in (".html", ".htm") and not path.is_dir():
        raise UsageError(f"`out` {path}: the map is a page. Give it such a name: {path.stem}.html.")
    refuse_foreign(path, begins_with(OURS), beside=(path.with_suffix(".png"), path.with_suffix(".csv")))
