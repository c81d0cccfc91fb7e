"""Verify a model: checksums, shapes, then the self-test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from ilk.errors import ModelError, UsageError
from ilk.model.layout import find_folder, read_members
from ilk.storage.lock import holder
from ilk.storage.run import CONFIG, Run, open_run, read_config

if TYPE_CHECKING:
    from ilk.model.bundle import Bundle
    from ilk.recipes import Space


@dataclass(frozen=True)
class VerifiedModel:
    """A model that is whole.

    Args:
        folder: where it lies.
        sizes: the bytes of each of its files, by name.
        bundle: what it holds.
        space: what it answers with.
        deviation: of the points of its self-test from the saved ones, as a fraction of their root mean square.
    """

    folder: Path
    sizes: dict[str, int]
    bundle: Bundle
    space: Space
    deviation: float

    def in_words(self) -> str:
        """Its classes and its size on one line."""
        return f"{len(self.space.classes):,} classes, {sum(self.sizes.values()) / 1e6:.1f} MB"

    def facts(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "files": self.sizes,
            "bytes": sum(self.sizes.values()),
            "network": self.space.network_name,
            "classes": list(self.space.classes),
            "labeled": len(self.bundle.embeddings),
            "dimensions": self.bundle.embeddings.shape[1],
            "deviation": self.deviation,
        }


def verify_bundle(folder: Path) -> VerifiedModel:
    """Check a model's files, then load it, then run its self-test.

    Raises:
        ModelError: says what is wrong, and in which file.
    """
    folder = find_folder(folder)
    files = read_members(folder).files
    for member in files.values():
        member.verify()

    # Torch comes only now: a damaged file is found without it.
    from ilk.model.bundle import load_bundle
    from ilk.model.self_test import run_self_test
    from ilk.recipes import space_of

    bundle = load_bundle(folder)
    space = space_of(bundle)
    deviation = run_self_test(space.network, space.classifier, bundle.self_test)
    return VerifiedModel(folder, {name: member.size for name, member in files.items()}, bundle, space, deviation)


def run_at(path: Path) -> Run | None:
    """The run in a folder with a finished model; None where the folder is no run, so that it may itself be a model.

    Raises:
        UsageError: the run is not finished.
        ModelError: its config.json is damaged.
    """
    if not (path / CONFIG).is_file():
        return None
    run = open_run(path)
    require_model(run)
    return run


def require_model(run: Run) -> None:
    """Refuse a run that has no model yet.

    Raises:
        UsageError: says how to go on with it.
    """
    if not run.model.is_dir() and not read_config(run).get("finished"):
        if process := holder(run):
            raise UsageError(f"The run {run.path} is not finished: process {process} is at it. Wait for its end.")
        raise UsageError(
            f"The run {run.path} is not finished, so it has no model yet. Go on with: ilk resume {quote(str(run.path))}"
        )


def repair_hint(run: Run) -> str:
    """What to do about a part of a finished run that is missing or damaged."""
    return f"While its data are still in place, this makes it again: ilk resume {quote(str(run.path))}"


def verify_model(path: str | Path) -> VerifiedModel:
    """Check that a model is whole and answers as when it was saved; of a run, also that its other parts are whole.

    Args:
        path: an exported model, or a run folder.
    Raises:
        UsageError: a run that is not finished.
        ModelError: says what is wrong, and of a run what makes it again.
    """
    found = verify_model_of(Path(path))
    run = run_at(Path(path))
    if run and resumable(run):
        from ilk.runs.integrity import broken_parts

        if broken := broken_parts(run):
            raise ModelError(
                f"The model of {run.path} is whole, but these parts of the run are missing or damaged: "
                f"{', '.join(broken)}. {repair_hint(run)}"
            )
    return found


def verify_model_of(path: Path) -> VerifiedModel:
    """Check a model, or the model of a run; an error about a run says what makes it again."""
    run = run_at(path)
    try:
        return verify_bundle(run.model if run else path)
    except ModelError as error:
        raise (ModelError(f"{error} {repair_hint(run)}") if run and resumable(run) else error) from error


def resumable(run: Run) -> bool:
    """Whether `ilk fit` made the run, so that `ilk resume` can make parts of it again."""
    return "request" in read_config(run)
