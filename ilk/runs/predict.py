"""Answer for every image: a label, its confidence and status, and the nearest labeled images, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ilk.neighbors import Answers
from ilk.runs.events import SILENT, Events
from ilk.runs.open import load_for, open_space, place_in, warn_if_replaced
from ilk.runs.request import MAX_PIXELS, name_of
from ilk.storage.predictions import write_predictions
from ilk.storage.tables import refuse_foreign_table


@dataclass(frozen=True)
class Predictions:
    """The answers for n images.

    Args:
        path: the table that holds them.
        names: the n names.
        answers: one row per image.
        classes: their names, by number.
        skipped: how many files were left out.
    """

    path: Path
    names: tuple[str, ...]
    answers: Answers
    classes: tuple[str, ...]
    skipped: int


def predict_images(
    folder: str | Path,
    data: str | Path,
    *,
    out: Path | None = None,
    split: str | None = None,
    files: str | None = None,
    max_pixels: int = MAX_PIXELS,
    events: Events = SILENT,
) -> Predictions:
    """Answer for every image of the data by a run or an exported model, and write the answers as CSV.

    Args:
        folder: a run, or an exported model.
        data: a folder, table, archive or image.
        out: the table; None for one in the run that is named after the data.
        split, files, max_pixels: as for `evaluate_run()`; None for all splits.
        events: who is told.
    Raises:
        UsageError: no such run, or a foreign file at `out`.
        DataError: images that cannot be used.
        ModelError: the model is damaged.
    """
    if out is not None:
        refuse_foreign_table(out, ".csv")
    target = out or place_in(Path(folder), f"predictions-{name_of(str(data))}.csv")
    _, space = open_space(Path(folder), str(data), "predict")
    dataset = load_for(space, str(data), events, split=split, files=files, max_pixels=max_pixels)
    with events.progress("Embed") as update:
        points = space.embed(dataset.images, update)
    warn = warn_if_replaced(target, events)
    answers = space.classifier.predict(points)
    write_predictions(target, dataset.names, answers, space.classes, space.reference_names)
    warn()
    return Predictions(target, dataset.names, answers, space.classes, len(dataset.skipped))
