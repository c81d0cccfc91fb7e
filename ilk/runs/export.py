"""Export the model of a run, verified, as a folder to take away."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ilk.errors import UsageError
from ilk.runs.verify import VerifiedModel, verify_model_of
from ilk.storage.run import OURS, open_run

if TYPE_CHECKING:
    import numpy as np

NOISE_IMAGES = 27


def export_model(
    folder: str | Path, out: str | Path, *, overwrite: bool = False, onnx: bool = False, seed: int = 0
) -> VerifiedModel:
    """Write the model of a run, verified, as a folder at exactly `out`; the model that lies there then.

    Args:
        folder: the run, or an exported model.
        out: the new folder, or an empty one.
        overwrite: replace a model there.
        onnx: also as ONNX, whose answers are compared with PyTorch's.
        seed: of the noise for this comparison.
    Raises:
        UsageError: no such run, or a place where a model cannot go.
        ModelError: the model is damaged, or ONNX answers otherwise; nothing was written.
    """
    run, target = Path(folder), Path(out)
    require_target(target, overwrite=overwrite)
    require_outside(target, run)
    if onnx:
        from ilk.model.onnx import require_onnx

        require_onnx()
    if not run.exists():
        open_run(run)  # says that there is none, and names the nearest
    found = verify_model_of(run)

    from ilk.model.bundle import save_bundle

    save_bundle(target, found.bundle, onnx_of(found, seed) if onnx else None)
    return verify_model_of(target)


def require_outside(out: Path, run: Path) -> None:
    """Refuse a place within the model that is exported, or within another folder of its run: a foreign file there.

    Raises:
        UsageError: with both.
    """
    from ilk.model.bundle import is_bundle

    inside = [run] if is_bundle(run) else [run / name for name in OURS]
    for folder in inside:
        if out.resolve().is_relative_to(folder.resolve()):
            raise UsageError(f"`out` {out} lies in {folder}, whose files are counted. Name a place outside.")


def require_target(out: Path, *, overwrite: bool) -> None:
    """Refuse a place where a model cannot go; nothing is changed.

    Raises:
        UsageError: something is there that is no model, or a model and `overwrite` is False; or no folder for it.
    """
    from ilk.model.bundle import is_bundle

    if Path.cwd().is_relative_to(out.resolve()):
        raise UsageError(f"`out` {out} is a folder that you are in. Name a new one.")
    if not os.path.lexists(out):
        if not out.parent.is_dir():
            raise UsageError(f"{out} cannot be written: there is no folder {out.parent}. Make it by mkdir.")
        return
    if out.is_dir() and not out.is_symlink() and not any(out.iterdir()):
        return
    if not is_bundle(out):
        raise UsageError(f"{out} is there and is no exported model, so it is left alone. Name another place by `out`.")
    if not overwrite:
        raise UsageError(f"{out} already holds a model. Replace it by `overwrite`, or name another place by `out`.")


def onnx_of(found: VerifiedModel, seed: int) -> bytes:
    """The embedding as an ONNX file whose answers are PyTorch's, on the images of the self-test and on noise.

    Raises:
        ModelError: they differ.
    """
    from ilk.model.onnx import embed_by_onnx, to_onnx
    from ilk.model.self_test import compare

    space, images = found.space, compared_images(found.bundle.self_test.images, seed)
    data = to_onnx(space.network, space.channels, space.size)
    expected = space.embed(images)
    nearest = space.classifier.predict(expected, neighbors=1).neighbors[:, 0]
    compare(space.classifier, embed_by_onnx(data, images), expected, nearest, "the images of the comparison, as ONNX,")
    return data


def compared_images(test_images: np.ndarray, seed: int) -> np.ndarray:
    """The images of the self-test, and as many of noise as make a batch of another size."""
    import numpy as np

    noise = np.random.default_rng(seed).integers(0, 256, (NOISE_IMAGES, *test_images.shape[1:]), dtype=np.uint8)
    return np.concatenate([test_images, noise])
