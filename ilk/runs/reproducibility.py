"""Check that a resumed run will be bit for bit the same: its settings, data, software and threads."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ilk import __version__
from ilk.data import Dataset
from ilk.errors import DataError, UsageError
from ilk.recipes.default import choose_device
from ilk.runs.events import Events
from ilk.runs.request import Request
from ilk.runs.resolve import Plan
from ilk.storage.run import Run

DECIDING = ("ilk", "torch", "numpy", "faiss")
"""Another version of these may give other bits. Pillow's shows in the pixels, which are compared; Python's does not."""
FREE = ("data", "labels", "labels_per_class", "subset", "device", "checkpoint_every")
"""Settings that may be changed in config.json by hand; where they would change the images or labels, that is seen."""


def versions() -> dict[str, str]:
    """The versions of what a run rests on."""
    import faiss
    import numpy
    import PIL
    import torch

    return {
        "ilk": __version__,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "faiss": faiss.__version__,
        "pillow": PIL.__version__,
    }


def machine(device: str) -> dict[str, object]:
    """What else decides the last digits: where the network is, the processor's instructions, the number of threads."""
    import torch

    chosen = choose_device(device)
    name = torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    return {"device": str(chosen), "processor": name, "threads": torch.get_num_threads()}


@contextmanager
def same_threads(config: Mapping[str, Any]) -> Iterator[None]:
    """Within the block, as many threads as the run began with: sums over other shares would end in other bits."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(config.get("machine", {}).get("threads", before))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def require_same_software(run: Run, config: Mapping[str, Any], events: Events, *, trained: bool) -> None:
    """Refuse to train on under other versions; where nothing is left to train, and of another processor, only warn.

    Raises:
        UsageError: with each version that changed.
    """
    then, now = config.get("versions", {}), versions()
    changed = [f"{name} {then[name]} is now {now[name]}" for name in DECIDING if then.get(name, now[name]) != now[name]]
    if changed and not trained:
        raise UsageError(
            f"{run.path} cannot go on bit for bit, because of another version: {', '.join(changed)}. Install the "
            "earlier one again, or begin again with `ilk fit` and another `out`."
        )
    before = config.get("machine", {})
    try:
        here = machine("auto" if trained else before.get("device", "auto"))
    except UsageError as error:
        raise UsageError(
            f"{run.path} was begun on {before['device']}, which is not usable here. Resume it where that is, or begin "
            "again with `ilk fit` and another `out`."
        ) from error
    if before.get("processor", here["processor"]) != here["processor"]:
        changed.append(f"the processor was {before['processor']} and is now {here['processor']}")
    if changed:
        events.warn(f"{', '.join(changed)}: the last digits may differ from those of a run without a stop")


def deciding(plan: Plan) -> dict[str, Any]:
    """The settings of which none may change, as JSON can hold them."""
    return {name: value for name, value in plan.as_config().items() if name not in FREE}


def require_same_settings(run: Run, plan: Plan, saved: Mapping[str, Any] | None) -> None:
    """Refuse a config.json that was changed after the checkpoint.

    Args:
        run: for the message.
        plan: as config.json has it.
        saved: what `deciding()` gave when the checkpoint was saved; None leaves nothing to compare.
    Raises:
        UsageError: with each setting that differs.
    """
    if saved is None:
        return
    there, then = _flat(deciding(plan)), _flat(saved)
    changed = [
        f"{name} was {then.get(name)!r} and is {there.get(name)!r}"
        for name in sorted({*there, *then})
        if there.get(name) != then.get(name)
    ]
    if changed:
        raise UsageError(
            f"{run.config} has changed since the checkpoint was saved: {', '.join(changed)}. Put it back as it was, or "
            "begin again with `ilk fit` and another `out`."
        )


def require_same_data(run: Run, request: Request, config: Mapping[str, Any], dataset: Dataset) -> None:
    """Refuse data that are not those with which the run began.

    Raises:
        DataError: with what is seen to differ, and Pillow's version if it is another one.
    """
    if data_hash(dataset) == config.get("data_hash"):
        return
    then, now = config.get("counts", {}), counts(dataset)
    changed = [
        f"{name} were {then[name]:,} and are {now[name]:,}" for name in now if then.get(name) not in (None, now[name])
    ]
    pillow = config.get("versions", {}).get("pillow"), versions()["pillow"]
    if pillow[0] not in (None, pillow[1]):
        changed.append(f"Pillow, which reads them, was {pillow[0]} and is {pillow[1]}")
    what = "; ".join(changed) or "as many images and labels as before, but other pixels, names or labels"
    raise DataError(
        f"{request.data} has changed since {run.path} began ({what}), so going on would mix two data sets. "
        "Put the data back as they were, or begin again with `ilk fit` and another `out`."
    )


def data_hash(dataset: Dataset) -> str:
    """A fingerprint of everything that training sees: pixels, names, labels, classes."""
    digest = hashlib.sha256()
    words = "\0".join((*dataset.names, "", *dataset.classes)).encode("utf-8", "backslashreplace")
    for part in (words, dataset.targets.data, np.ascontiguousarray(dataset.images).data):
        digest.update(part)
    return digest.hexdigest()


def counts(dataset: Dataset) -> dict[str, int]:
    """How many images, labels and classes there are."""
    return {"images": len(dataset), "labels": len(dataset.labeled), "classes": len(dataset.classes)}


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings by name, those of the training too; a list and a tuple count as the same."""
    whole = {**config, **{f"settings.{name}": value for name, value in config["settings"].items()}}
    del whole["settings"]
    return {name: list(value) if isinstance(value, tuple) else value for name, value in whole.items()}
