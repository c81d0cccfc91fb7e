"""What a finished run lacks, and from where an unfinished one goes on."""

from __future__ import annotations

from shlex import quote
from typing import Any

from ilk.errors import DataError, ModelError, ResourceError
from ilk.model.bundle import load_bundle
from ilk.storage.checkpoint import load_checkpoint
from ilk.storage.predictions import read_labels
from ilk.storage.run import Run, read_config, reset_run
from ilk.storage.tables import read_embeddings


def broken_parts(run: Run) -> list[str]:
    """The names of what a finished run should hold and does not, or holds damaged."""
    files = (run.report, run.manifest, run.skipped, run.unmatched, run.metrics)
    parts = [path.name for path in files if not path.is_file() or path.stat().st_size == 0]
    try:
        load_bundle(run.model)
    except ModelError:
        parts.append(run.model.name)
    for path, read in ((run.embeddings, read_embeddings), (run.predictions, read_labels)):
        try:
            read(path)
        except DataError:
            parts.append(path.name)
    return parts


def resume_hint(run: Run) -> str:
    """From where, and by which command, a run that was stopped goes on; looks at what is really there."""
    command = f"ilk resume {quote(str(run.path))}"
    try:
        checkpoint = load_checkpoint(run)
    except ModelError:
        return "No checkpoint is whole. Train again by `ilk fit`."
    if checkpoint is None:
        return f"No checkpoint was saved yet. Begin again with: {command}"
    return f"Go on from step {checkpoint[1]['step']:,} with: {command}"


def replace_run(run: Run, config: dict[str, Any]) -> None:
    """Make the folder that of the new run; if the disk fails just after its config.json, say that it can be resumed."""
    try:
        reset_run(run, config)
    except ResourceError as error:
        if read_config(run).get("data_hash") == config["data_hash"]:
            raise ResourceError(f"{error} {resume_hint(run)}") from error
        raise
