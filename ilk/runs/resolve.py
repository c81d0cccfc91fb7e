"""Fill in the options that the user left open, from the recipe, the start, or the network."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ilk.errors import IlkError, ModelError, UsageError
from ilk.methods import MethodSettings, method_settings, named_options
from ilk.model.bundle import WEIGHTS
from ilk.networks import NETWORKS
from ilk.recipes import Start, published_start, start_of
from ilk.recipes.default import architecture, choose_network
from ilk.runs.recipe_options import settings_of
from ilk.runs.request import Request, request_of
from ilk.runs.verify import repair_hint, require_model
from ilk.storage.run import Run, open_run
from ilk.training import Settings

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Plan:
    """A request with nothing left open; config.json keeps it, and a resumed run reads it again.

    Args:
        request: with network, dimensions, size and channels as they will be.
        settings: of the training, learning rate included.
        method: settings of the method, temperature included.
        start: the weights to begin from; not in config.json.
    """

    request: Request
    settings: Settings
    method: MethodSettings
    start: Start | None = field(default=None, compare=False, repr=False)

    def as_config(self) -> dict[str, Any]:
        """As JSON can hold it; `plan_of` reads it back."""
        return self.request.as_config() | {"settings": asdict(self.settings), "method": named_options(self.method)}


def plan_of(config: dict[str, Any]) -> Plan:
    """The plan that a config.json holds, without the weights to begin from.

    Raises:
        ModelError: fields are missing or unknown.
    """
    request = request_of(config)
    try:
        fields = config["request"]
        return Plan(request, Settings(**fields["settings"]), method_settings(fields["method"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"config.json does not describe a run of this version of Ilk: {error}.") from error


def resolve(request: Request) -> Plan:
    """The plan of a request.

    Raises:
        UsageError: no such recipe, network, run or file, or options that contradict one another.
        ModelError: what the run begins from is damaged.
    """
    request, settings, method = settings_of(request)
    if request.start is None:
        if request.freeze_to is not None:
            raise UsageError("`freeze_to` keeps layers of an earlier run: name the run by `start`.")
        name, _, _, settings = architecture(choose_network(request.network), None, False, settings, None)
        return Plan(replace(request, network=name), settings, method.for_network(NETWORKS[name]))
    start = _start(request.start, request)
    network = None if request.network == "auto" else request.network
    name, dim, strided, settings = architecture(network, request.dim, request.strided, settings, start)
    resolved = replace(
        request,
        network=name,
        dim=dim,
        strided=strided,
        size=_size(request, start),
        channels=start.channels,
        start_sha256=checksum(_weights(Path(request.start))),
    )
    return Plan(resolved, settings, method.for_network(NETWORKS[name]), start)


def start_again(request: Request, run: Run) -> Start | None:
    """The same weights once more, for a run that has no checkpoint yet.

    Raises:
        ModelError: they are gone or not as they were.
    """
    if request.start is None:
        return None
    try:
        if checksum(_weights(Path(request.start))) == request.start_sha256:
            return _start(request.start, request)
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


def _size(request: Request, start: Start) -> int | tuple[int, int] | None:
    if start.size is None:
        return request.size
    side = start.size[0] if start.size[0] == start.size[1] else start.size
    if request.size not in (None, side):
        raise UsageError(
            f"{start.source} learned from images of {side} px, so `size` {request.size} cannot be. Leave it out."
        )
    return side


def _weights(path: Path) -> Path:
    """Where the weights of a start lie."""
    return Run(path).model / WEIGHTS if path.is_dir() else path


def _start(place: str, request: Request) -> Start:
    path = Path(place)
    if path.suffix.lower() == SUFFIX and not path.is_dir():
        if request.network == "auto":
            raise UsageError(
                f"{path} does not say of which network it is. Name it by `network`, e.g. `network` resnet-18."
            )
        return published_start(path, request.network, dim=request.dim)
    if path.is_file():
        raise UsageError(f"{path} is no run folder and no {SUFFIX} file. Begin from a run, such as runs/pets.")
    run = open_run(path)
    require_model(run)
    try:
        return start_of(path)
    except ModelError as error:
        raise ModelError(f"{error} {repair_hint(run)}") from error
