"""From what a run was asked for to what it is: what was left open is taken from its start, or from the network."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from ilk.errors import IlkError, ModelError, UsageError
from ilk.model.bundle import WEIGHTS
from ilk.networks import NETWORKS
from ilk.recipes import Start, published_start, start_of
from ilk.recipes.default import architecture, choose_network
from ilk.runs.open import open_space
from ilk.runs.request import Request
from ilk.storage.run import Run

SUFFIX = ".safetensors"


def settled(request: Request) -> tuple[Request, Start | None]:
    """The same request with network, dimensions, size, channels and rate as they will be; and what it begins from.

    Raises:
        UsageError: no such network, run or file, or options that contradict what the run begins from.
        ModelError: what it begins from is damaged.
    """
    if request.start is None:
        if request.freeze_to is not None:
            raise UsageError("`freeze_to` keeps layers of an earlier run: name the run by `start`.")
        name, _, _, settings = architecture(choose_network(request.network), None, False, request.settings, None)
        method = request.method.for_network(NETWORKS[name])
        return replace(request, network=name, settings=settings, method=method), None
    start = _start(request)
    network = None if request.network == "auto" else request.network
    name, dim, strided, settings = architecture(network, request.dim, request.strided, request.settings, start)
    size = request.size
    if start.size is not None:
        side = start.size[0] if start.size[0] == start.size[1] else start.size
        if size not in (None, side):
            raise UsageError(
                f"{start.source} learned from images of {side} px, so `size` {size} cannot be. Leave it out."
            )
        size = side
    settled = replace(
        request,
        network=name,
        dim=dim,
        strided=strided,
        settings=settings,
        method=request.method.for_network(NETWORKS[name]),
        size=size,
        channels=start.channels,
        start_sha256=checksum(_weights(Path(request.start))),
    )
    return settled, start


def start_again(request: Request, run: Run) -> Start | None:
    """The same weights once more, for a run that has no checkpoint yet.

    Raises:
        ModelError: they are gone or not as they were.
    """
    if request.start is None:
        return None
    try:
        if checksum(_weights(Path(request.start))) == request.start_sha256:
            return _start(request)
        reason = "its weights are not those with which the run began"
    except IlkError as error:
        reason = str(error)
    raise ModelError(
        f"{run.path} has no checkpoint yet and cannot begin again from {request.start}: {reason} "
        "Put it back as it was, or begin anew with `ilk fit`."
    )


def checksum(path: Path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits; raises ModelError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error


def _weights(path: Path) -> Path:
    """Where the weights of a start lie."""
    return Run(path).model / WEIGHTS if path.is_dir() else path


def _start(request: Request) -> Start:
    path = Path(request.start or "")
    if path.suffix.lower() == SUFFIX and not path.is_dir():
        if request.network == "auto":
            raise UsageError(
                f"{path} does not say of which network it is. Name it by `network`, e.g. `network` resnet-18."
            )
        return published_start(path, request.network, dim=request.dim)
    if path.is_file():
        raise UsageError(f"{path} is no run folder and no {SUFFIX} file. Begin from a run, such as runs/pets.")
    open_space(path)  # its refusals say what to do
    return start_of(path)
