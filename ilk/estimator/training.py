"""The training of the estimator: by the default recipe, with a checkpoint if there is a folder for it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from ilk.data import Dataset
from ilk.estimator.checkpoint import train_with_checkpoint
from ilk.recipes import FitResult, fit
from ilk.recipes.default import choose_network
from ilk.training import Callbacks, Record, Settings, diagnose


def train(dataset: Dataset, settings: Settings, given: Mapping[str, Any], started: float) -> tuple[FitResult, Settings]:
    """The trained space, and the settings with the seed that was used.

    Args:
        dataset: all images, some of them labeled.
        settings: of the training.
        given: all parameters of the estimator by name, checked.
        started: when the time limit began, by time.monotonic().
    Raises:
        UsageError, DataError, ModelError, DivergedError: as for `ilk.recipes.fit`.
        InterruptedRunError: as for `train_with_checkpoint()`.
    """
    callbacks = Callbacks(on_record=_print_record) if given["verbose"] else Callbacks()
    train_space = partial(
        fit, dataset, network=choose_network(given["network"]), device=given["device"], started=started
    )
    if given["checkpoint"] is not None:
        return train_with_checkpoint(train_space, dataset, settings, given, callbacks)
    return train_space(settings, callbacks=callbacks), settings


def warn_of_collapse(fitted: FitResult) -> None:
    """Warn where the space has collapsed."""
    last, space = fitted.history[-1], fitted.space
    for sentence in diagnose(last, space.classes, int(last["largest_class"]), space.classifier.scale):
        warnings.warn(sentence, ConvergenceWarning, stacklevel=3)


def _print_record(record: Record) -> None:
    print(" ".join(f"{name} {value:.4g}" for name, value in record.items()), flush=True)
