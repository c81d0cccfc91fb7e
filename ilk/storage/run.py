"""The folder of one run: the paths in it, how it is begun, and how it is found again."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ilk import __version__
from ilk.errors import ModelError, RunExistsError, UsageError
from ilk.storage.files import read_json, sync_folder, write_error, write_json

CONFIG = "config.json"
LOCK = ".lock"
OURS = (
    "report.html",
    "evaluation.html",
    "manifest.csv",
    "skipped.csv",
    "labels_unmatched.csv",
    "metrics.csv",
    "predictions.csv",
    "embeddings.parquet",
    "labeled.safetensors",
    "map.html",
    "map.csv",
    "explanation.html",
    "train.log",
    "plots",
    "checkpoints",
    "evolution",
    "model",
)
SIBLINGS = 1000
WRITTEN = {
    "plots": (".png", ".svg"),
    "checkpoints": (".json", ".safetensors"),
    "evolution": (".json", ".safetensors"),
    "model": (".json", ".jsonl", ".safetensors", ".onnx"),
}
"""What Ilk writes into the folders of a run."""


@dataclass(frozen=True)
class Run:
    """A run folder and the paths of what it holds; a path is there whether or not its file is yet."""

    path: Path

    @property
    def config(self) -> Path:
        """The resolved settings."""
        return self.path / CONFIG

    @property
    def manifest(self) -> Path:
        """The images that were used, with label and fingerprint."""
        return self.path / "manifest.csv"

    @property
    def skipped(self) -> Path:
        """The files that were left out, with the reason."""
        return self.path / "skipped.csv"

    @property
    def metrics(self) -> Path:
        """One row per epoch."""
        return self.path / "metrics.csv"

    @property
    def predictions(self) -> Path:
        """One row per image: label, confidence, status, nearest labeled images."""
        return self.path / "predictions.csv"

    @property
    def embeddings(self) -> Path:
        """The embedding of each image."""
        return self.path / "embeddings.parquet"

    @property
    def labeled(self) -> Path:
        """The labeled images as they were seen."""
        return self.path / "labeled.safetensors"

    @property
    def report(self) -> Path:
        """The run as one page."""
        return self.path / "report.html"

    @property
    def evaluation(self) -> Path:
        """The latest evaluation as one page."""
        return self.path / "evaluation.html"

    @property
    def plots(self) -> Path:
        """The folder of the page's plots as PNG files."""
        return self.path / "plots"

    @property
    def unmatched(self) -> Path:
        """The rows of the labels file that name no image."""
        return self.path / "labels_unmatched.csv"

    @property
    def map(self) -> Path:
        """The space in two dimensions, as a page to walk through."""
        return self.path / "map.html"

    @property
    def log(self) -> Path:
        """What was printed, with times."""
        return self.path / "train.log"

    @property
    def checkpoints(self) -> Path:
        """The folder of the states to resume from."""
        return self.path / "checkpoints"

    @property
    def evolution(self) -> Path:
        """The folder of the weights that were kept along the way."""
        return self.path / "evolution"

    @property
    def model(self) -> Path:
        """The folder of the trained space."""
        return self.path / "model"


def create_run(path: str | Path, *, overwrite: bool, config: dict[str, Any]) -> Run:
    """Begin a run in a new or empty folder, or with `overwrite` in place of an earlier run.

    Only what Ilk writes is removed from an earlier run; other files in the folder stay.

    Args:
        path: the run folder; missing parents are made.
        overwrite: replace an earlier run, if there is one.
        config: the resolved settings; Ilk's version is added under "ilk".
    Raises:
        RunExistsError: the folder is not empty, and is no Ilk run or `overwrite` is False.
        UsageError: the place cannot be written to.
        ResourceError: the disk is full.
    """
    run = Run(Path(path))
    try:
        require_free(run.path, overwrite=overwrite)
        run.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(error, run.path) from error
    reset_run(run, config)
    return run


def reset_run(run: Run, config: dict[str, Any]) -> None:
    """Make a folder that of a run at its beginning: what an earlier one wrote goes, other files stay.

    Raises:
        UsageError: the place cannot be written to.
        ResourceError: the disk is full.
    """
    try:
        _clear(run)
    except OSError as error:
        raise write_error(error, run.path) from error
    # Written last and at once: until then an earlier run stays recognizable as one.
    write_json(run.config, {**config, "ilk": __version__})
    with suppress(OSError):  # some parents may not be opened; the run works without, but for a power cut right now
        sync_folder(run.path.parent)


def require_free(path: str | Path, *, overwrite: bool) -> None:
    """Refuse a place where a run cannot begin; nothing is changed. A new path and an empty folder are free.

    Raises:
        RunExistsError: as for `create_run()`.
    """
    path = Path(path)
    nearest = next((parent for parent in path.parents if os.path.lexists(parent)), path)
    if not os.path.lexists(path) and not nearest.is_dir():
        raise RunExistsError(f"{nearest} is a file, so {path} cannot be in it. Name another place by `out`.")
    if not os.path.lexists(path) or (path.is_dir() and all(child.name == LOCK for child in path.iterdir())):
        return
    if not path.is_dir():
        raise RunExistsError(f"{path} is a file, not a run folder. Name another place by `out`.")
    if not _is_run(path):
        raise RunExistsError(f"{path} holds files but is no Ilk run, so it is left alone. Name another place by `out`.")
    if not overwrite:
        raise RunExistsError(
            f"The run {path} is already there. Replace it by `overwrite`, or name another place by `out`."
        )
    for folder, suffixes in WRITTEN.items():
        for found in () if (path / folder).is_symlink() else (path / folder).rglob("*"):
            if not found.is_dir() and not found.name.endswith((*suffixes, ".partial")):
                raise RunExistsError(f"{found} is not Ilk's, and would go with the earlier run. Move it away first.")


def require_plain(run: Run) -> None:
    """Refuse a run folder in which a link, a pipe or a device has the place of a file of the run.

    Writing there would change what lies elsewhere, and reading could wait forever.

    Raises:
        UsageError: with the path.
    """
    for name in (CONFIG, LOCK, *OURS):
        path = run.path / name
        inside = sorted(path.rglob("*")) if path.is_dir() and not path.is_symlink() else []
        for found in (path, *inside):
            if found.is_symlink() or (found.exists() and not (found.is_file() or found.is_dir())):
                raise UsageError(f"{found} is a link, a pipe or a device, no file of the run. Move it away first.")


def open_run(path: str | Path) -> Run:
    """Find an earlier run.

    Raises:
        UsageError: there is none at this path; the nearest ones are named.
        ModelError: its config.json is damaged.
    """
    run = Run(Path(path))
    if not _has_config(run.path):
        what = "is no Ilk run (it holds no config.json)" if os.path.exists(run.path) else "does not exist"
        raise UsageError(f"The run {run.path} {what}. {_suggestion(run.path)}")
    read_config(run)
    return run


def read_config(run: Run) -> dict[str, Any]:
    """The settings of a run, with Ilk's version under "ilk".

    Raises:
        ModelError: config.json is missing, damaged, or not of an Ilk run.
    """
    config = read_json(run.config)
    if "ilk" not in config:
        raise ModelError(f'{run.config} is not of an Ilk run: it has no "ilk".')
    return config


def update_config(run: Run, **changes: Any) -> None:
    """Set some of a run's settings, at once; the others stay. Raises like `read_config()` and `write_json()`."""
    write_json(run.config, {**read_config(run), **changes})


def _has_config(path: Path) -> bool:
    return os.path.isfile(path / CONFIG)  # unlike Path.is_file, False where the folder may not be read


def _is_run(path: Path) -> bool:
    try:
        return bool(read_config(Run(path)))
    except ModelError:
        return False


def _clear(run: Run) -> None:
    for name in OURS:
        path = run.path / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _runs_in(folder: Path) -> Iterator[Path]:
    try:
        yield from (child for child in islice(folder.iterdir(), SIBLINGS) if _has_config(child))
    except OSError:
        return


def _suggestion(path: Path) -> str:
    known = {found.name: found for folder in (Path("runs"), path, path.parent) for found in _runs_in(folder)}
    if not known:
        return "Train one by `ilk fit DATA`."
    near = difflib.get_close_matches(path.name, known, n=3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(str(known[name]) for name in near)}?"
    return f"There is {', '.join(str(known[name]) for name in sorted(known)[:5])}."
