"""`ilk export`: a run's model as a folder to take away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ilk.cli.options import AsJson, Debug, Quiet, RunFolder, Seed

if TYPE_CHECKING:
    from ilk.runs.verify import VerifiedModel

NOISE_IMAGES = 27

Target = Annotated[Path, typer.Option("--out", metavar="PATH", help="The folder to write.", show_default=False)]


def export(
    run: RunFolder,
    out: Target,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the model at --out.")] = False,
    onnx: Annotated[bool, typer.Option("--onnx", help="With the embedding as ONNX, compared at once.")] = False,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write the model of RUN, verified, as a folder at exactly PATH."""
    from shlex import quote

    from ilk.cli.console import Console
    from ilk.runs.verify import verify_either

    console = Console(quiet, json)
    require_target(out, overwrite=overwrite)
    require_outside(out, run)
    if onnx:
        from ilk.model.onnx import require_onnx

        require_onnx()
    if not run.exists():
        from ilk.storage.run import open_run

        open_run(run)  # says that there is none, and names the nearest
    _, found = verify_either(run)

    from ilk.model.bundle import save_bundle

    data = onnx_of(found, seed) if onnx else None
    save_bundle(out, found.bundle, data)
    found = verify_either(out)[1]
    console.say(f"Model   {found.in_words()}, verified" + (", with ONNX" if onnx else ""))
    console.result(str(out))
    place = quote(str(out))
    console.say(f"        next: ilk verify {place}   ilk predict {place} DATA --out answers.csv")
    console.emit(event="exported", path=str(out), **found.facts())


def require_outside(out: Path, run: Path) -> None:
    """Refuse a place within the model that is exported, or within another folder of its run: a foreign file there.

    Raises:
        UsageError: with both.
    """
    from ilk.errors import UsageError
    from ilk.model.bundle import is_bundle
    from ilk.storage.run import OURS

    inside = [run] if is_bundle(run) else [run / name for name in OURS]
    for folder in inside:
        if out.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"--out {out} lies in {folder}, whose files are counted. Name a place outside.")


def require_target(out: Path, *, overwrite: bool) -> None:
    """Refuse a place where a model cannot go; nothing is changed.

    Raises:
        UsageError: something is there that is no model, or a model and `overwrite` is False; or no folder for it.
    """
    import os

    from ilk.errors import UsageError
    from ilk.model.bundle import is_bundle

    if Path.cwd().is_relative_to(out.resolve()):
        raise UsageError(f"--out {out} is a folder that you are in. Name a new one.")
    if not os.path.lexists(out):
        if not out.parent.is_dir():
            raise UsageError(f"{out} cannot be written: there is no folder {out.parent}. Make it by mkdir.")
        return
    if out.is_dir() and not out.is_symlink() and not any(out.iterdir()):
        return
    if not is_bundle(out):
        raise UsageError(f"{out} is there and is no exported model, so it is left alone. Name another place by --out.")
    if not overwrite:
        raise UsageError(f"{out} already holds a model. Replace it by --overwrite, or name another place by --out.")


def onnx_of(found: VerifiedModel, seed: int) -> bytes:
    """The embedding as an ONNX file whose answers are PyTorch's, on the images of the self-test and on noise.

    Raises:
        ModelError: they differ.
    """
    import numpy as np

    from ilk.model.onnx import embed_by_onnx, to_onnx
    from ilk.model.self_test import compare

    space, test = found.space, found.bundle.self_test
    data = to_onnx(space.network, space.channels, space.size)
    noise = np.random.default_rng(seed).integers(0, 256, (NOISE_IMAGES, *test.images.shape[1:]), dtype=np.uint8)
    images = np.concatenate([test.images, noise])
    expected = space.embed(images)
    nearest = space.classifier.predict(expected, neighbors=1).neighbors[:, 0]
    compare(space.classifier, embed_by_onnx(data, images), expected, nearest, "the images of the comparison, as ONNX,")
    return data
