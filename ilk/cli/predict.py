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
    from ilk.runs.predict import predict_images

    console = Console(quiet, json)
    found = predict_images(run, data, out=out, split=split, files=files, max_pixels=pixels, events=console)
    images, counts = len(found.names), found.answers.status_counts()
    console.say(", ".join(f"{count:,} {status}" for status, count in counts.items()) + f" of {images:,} images")
    console.result(str(found.path))
    console.emit(event="predicted", predictions=str(found.path), images=images, skipped=found.skipped, **counts)
