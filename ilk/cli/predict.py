"""`ilk predict`: a label, its confidence and the evidence for every image."""

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


def predict(
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
    """Answer for every image of DATA: label, confidence, status and nearest labeled images, as CSV."""
    pixels = parsed_count(max_pixels)
    from ilk.cli.console import Console
    from ilk.neighbors import STATUSES
    from ilk.runs.open import open_and_embed, place_in, replaced
    from ilk.storage.tables import refuse_foreign_table, write_predictions

    console = Console(quiet, json)
    if out is not None:
        refuse_foreign_table(out, ".csv")
    target = out or place_in(run, f"predictions-{name_of(data)}.csv")
    _, space, dataset, points = open_and_embed(run, data, console, split=split, files=files, max_pixels=pixels)
    earlier = target.exists()
    answers = space.classifier.predict(points)
    write_predictions(target, dataset.names, answers, space.classes, space.reference_names)
    if earlier:
        console.warn(replaced(target))

    counts = {status: int((answers.status == status).sum()) for status in STATUSES}
    console.say(", ".join(f"{count:,} {status}" for status, count in counts.items()) + f" of {len(dataset):,} images")
    console.result(str(target))
    console.emit(
        event="predicted", predictions=str(target), images=len(dataset), skipped=len(dataset.skipped), **counts
    )
