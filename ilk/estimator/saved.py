"""An estimator as a folder: a run folder that holds nothing but its model, so that the commands answer from it too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ilk.errors import ModelError, RunExistsError
from ilk.model.bundle import load_bundle, save_bundle
from ilk.recipes import Space, bundle_of, space_of
from ilk.storage.run import CONFIG, Run, create_run, read_config, require_free

MADE_BY = "made_by"
MAKER = "NeighborEmbedding.save"
ABOUT = "estimator"


def write_estimator(path: Path, space: Space, about: dict[str, Any], *, overwrite: bool) -> None:
    """Write the space, and `about` beside its description; an error leaves an earlier model.

    Args:
        path: a new or empty folder.
        space: the trained space.
        about: what JSON can hold.
        overwrite: replace a model that was written by this function.
    Raises:
        RunExistsError: the place is taken.
        UsageError: the place cannot be written to, or `about` is no JSON.
        ResourceError: the disk is full.
    """
    run, bundle = Run(path), bundle_of(space)
    bundle = replace(bundle, description=bundle.description | {ABOUT: about})
    ours = run.config.is_file() and read_config(run).get(MADE_BY) == MAKER
    if ours and not overwrite:
        raise RunExistsError(f"{path} already holds a saved model. Give overwrite=True, or name another place.")
    if not ours:
        try:
            require_free(path, overwrite=False)
        except RunExistsError:
            raise RunExistsError(
                f"{path} is there and was not made by save(), so it is left alone. Name another place."
            ) from None
        create_run(path, overwrite=False, config={MADE_BY: MAKER, "finished": True})
    save_bundle(run.model, bundle)


def read_estimator(path: Path) -> tuple[Space, dict[str, Any]]:
    """The space, and what was written about its estimator; for a model of `ilk fit`, what its space tells.

    Args:
        path: the folder that was written, a run folder, or its folder `model`.
    Raises:
        ModelError: a file is missing, damaged or of an unknown format.
    """
    bundle = load_bundle(path / "model" if (path / CONFIG).is_file() else path)
    space = space_of(bundle)
    of_a_run = {
        "parameters": {"network": space.network_name, "size": list(space.size)},
        "labels": "text",
        "references": list(range(len(space.reference_names))),
        "history": [],
        "random_state": None,
    }
    about = bundle.description.get(ABOUT, of_a_run)
    if not isinstance(about, dict):
        raise ModelError(f"{path} is damaged: what it says about its estimator is no JSON object. Save it again.")
    return space, about
