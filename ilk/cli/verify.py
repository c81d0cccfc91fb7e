"""`ilk verify`: is a model whole, and does it answer as it did when it was saved?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ilk.cli.options import AsJson, Debug, Quiet, Seed

if TYPE_CHECKING:
    from ilk.runs.verify import VerifiedModel

ModelFolder = Annotated[
    Path, typer.Argument(metavar="PATH", help="An exported model, or a run folder.", show_default=False)
]


def verify(path: ModelFolder, seed: Seed = 0, quiet: Quiet = False, json: AsJson = False, debug: Debug = False) -> None:
    """Check that a model is whole and answers as when it was saved; exit code 0, or 4 with the reason."""
    from ilk.cli.console import Console
    from ilk.runs.verify import verify_model

    console = Console(quiet, json)
    found = verify_model(path)
    first, *rest = verified_lines(found)
    console.result(first)
    for line in rest:
        console.say(line)
    console.emit(event="verified", path=str(path), model=str(found.folder), **found.facts())


def verified_lines(found: VerifiedModel) -> list[str]:
    """What was checked, for people."""
    from ilk.model.layout import ONNX
    from ilk.model.self_test import TOLERANCE

    labeled, dim = found.bundle.embeddings.shape
    height, width = found.space.size
    images = len(found.bundle.self_test.images)
    later = f"; {ONNX} was compared when it was written" if ONNX in found.sizes else ""
    return [
        f"Whole   {found.folder}: {found.in_words()}",
        f"        {len(found.sizes)} files and no other: sizes and SHA-256 are as listed{later}",
        f"        {len(found.bundle.weights)} tensors: names, shapes and types of {found.space.network_name}, "
        f"{height}×{width} px, {'gray' if found.space.channels == 1 else 'color'}; all finite",
        f"        {labeled:,} labeled points in {dim} dimensions, every class among them; all finite",
        f"        {images} self-test images: same labels, same nearest, points off by {found.deviation:.1g} of their "
        f"root mean square ({TOLERANCE:g} is allowed)",
    ]
