"""From a finished run to its map: the rows of its tables, its images read again, and three files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ilk.errors import IlkError, UsageError
from ilk.maps import Map, MapContent, draw_map, fit_map, render_page
from ilk.recipes import Space
from ilk.runs.events import Events
from ilk.runs.open import load_for, open_space
from ilk.runs.request import request_of
from ilk.shapes import EVIDENCE, Pixels, Vectors
from ilk.storage.files import begins_with, refuse_foreign, write_bytes, write_csv, write_error, write_text
from ilk.storage.lock import holding
from ilk.storage.run import Run, read_config
from ilk.storage.tables import read_embeddings, read_predictions

OURS = b"Ilk map</title>"


@dataclass(frozen=True)
class MapState:
    """A map, what it shows, and how many of its images were added; the added ones come last."""

    map: Map
    content: MapContent
    added: int


def draw(
    folder: Path, events: Events, *, add: Sequence[str], out: Path | None, method: str, sample: int | None, seed: int
) -> Path:
    """Write the page, the picture and the table of a run's map, and say where they lie; the path of the page.

    Raises:
        UsageError: no such run, an unfinished one, or a foreign file at `out`.
        DataError: its tables cannot be read, or the images to add cannot be used.
    """
    if out is not None:
        refuse_foreign_page(out)
    run, space = open_space(folder)
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
        page = write_map(run, drawn, out, events)
    content, labeled = drawn.content, int((drawn.content.targets >= 0).sum())
    events.say(
        f"{len(content.names):,} images, {labeled:,} labeled"
        + (f", {drawn.added:,} added without moving the others" if drawn.added else "")
    )
    events.say(content.note)
    events.emit(
        event="mapped",
        map=str(page),
        picture=str(places(run, out)[1]),
        table=str(places(run, out)[2]),
        images=len(content.names),
        labeled=labeled,
        added=drawn.added,
        method=fitted.method,
        landmarks=len(fitted.landmarks),
        preserved=fitted.preserved,
        thumbnails=content.images is not None,
    )
    return page


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
    near = np.full((len(points), EVIDENCE), -1)
    far = np.zeros((len(points), EVIDENCE))
    width = min(EVIDENCE, answers.neighbors.shape[1])
    near[:, :width] = references[answers.neighbors[:, :width]]
    far[:, :width] = answers.distances[:, :width]
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
        neighbors=np.concatenate([content.neighbors, near]),
        distances=np.concatenate([content.distances, far]),
        images=None if images is None else np.concatenate([images, dataset.images]),
        added=later,
    )
    return MapState(fitted, more, added)


def write_map(run: Run, drawn: MapState, out: Path | None, events: Events) -> Path:
    """Write map.csv, plots/map.png and the page; the path of the page."""
    content = drawn.content
    page, picture_path, table = places(run, out)
    earlier = page.exists()
    later = np.zeros(len(content.names), dtype=bool) if content.added is None else content.added
    rows = (
        (
            content.names[i],
            f"{x:.6g}",
            f"{y:.6g}",
            content.classes[content.targets[i]] if content.targets[i] >= 0 else class_name(content, i),
            "labeled" if content.targets[i] >= 0 else content.status[i],
            int(later[i]),
        )
        for i, (x, y) in enumerate(content.positions)
    )
    write_csv(table, ["filename", "x", "y", "label", "status", "added"], rows)
    try:
        picture_path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise write_error(error, picture_path.parent) from error
    picture = draw_map(content.positions, content.targets, content.classes, added=later, note=content.note, pixels=1800)
    write_bytes(picture_path, picture)
    with events.progress("Images") as update:
        write_text(page, render_page(content, update))
    if earlier:
        events.say(f"Replaced the earlier {page}")
    return page


def places(run: Run, out: Path | None) -> tuple[Path, Path, Path]:
    """Where the page, the picture and the table go: into the run, or beside the page that was asked for."""
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
