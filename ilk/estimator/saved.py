"""An estimator as a folder: a run folder with nothing in it but the model, so that the commands answer from it too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ilk.errors import ModelError, RunExistsError
from ilk.model.bundle import load_bundle, save_bundle
from ilk.model.layout import model_in
from ilk.model.space import Space, bundle_of, space_of
from ilk.shapes import Targets
from ilk.storage.run import Run, create_run, read_config, require_free

MADE_BY = "made_by"
MAKER = "NeighborEmbedding.save"
ABOUT = "estimator"


def write_estimator(path: Path, space: Space, positions: Targets, about: dict[str, Any], *, overwrite: bool) -> None:
    """Write the space, and `about` beside its description; an error leaves an earlier model.

    Args:
        path: a new or empty folder.
        space: the trained space.
        positions: shape (labeled,), where the labeled images were in X.
        about: what JSON can hold.
        overwrite: replace a model that was written by this function.
    Raises:
        RunExistsError: the place is taken.
        UsageError: the place cannot be written to, or `about` is no JSON.
        ResourceError: the disk is full.
    """
    run, bundle = Run(path), bundle_of(space, positions)
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


def read_estimator(path: Path) -> tuple[Space, Targets, dict[str, Any]]:
    """The space, the positions of its labeled images, and what was written about its estimator.

    A model of `ilk fit` has no estimator: then the positions are 0, 1, 2 …, and the rest is what its space tells.

    Args:
        path: the folder that was written, a run folder, or its folder `model`.
    Raises:
        ModelError: a file is missing, damaged or of an unknown format.
    """
    bundle = load_bundle(model_in(path))
    space = space_of(bundle)
    of_a_run: dict[str, Any] = {
        "parameters": {"network": space.network_name, "size": list(space.size)},
        "labels": "text",
        "history": [],
        "random_state": None,
    }
    positions = np.arange(len(space.reference_names)) if bundle.positions is None else bundle.positions
    about = bundle.description.get(ABOUT, of_a_run)
    if not isinstance(about, dict):
        raise ModelError(f"{path} is damaged: what it says about its estimator is no JSON object. Save it again.")
    return space, positions, about
