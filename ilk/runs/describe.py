"""Describe a network, by its name or that of a run: the layers in figures, and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from torch import nn

from ilk.errors import UsageError
from ilk.insight import Description, describe
from ilk.networks import NETWORKS, canonical_name, outline, own_channels
from ilk.storage.files import begins_with, refuse_foreign, write_bytes
from ilk.storage.run import CONFIG


@dataclass(frozen=True)
class NetworkDescription:
    """A network and what its layers cost.

    Args:
        network: its name.
        strided: whether it has strided convolutions for its pools.
        run: the run that it is of; None for a network by name.
        channels, size: of its images; (height, width) in pixels.
        layers: the figures.
        picture: where it is drawn, if it is.
    """

    network: str
    strided: bool
    run: Path | None
    channels: int
    size: tuple[int, int]
    layers: Description
    picture: Path | None = None

    @property
    def title(self) -> str:
        """Name, run, size and channels on one line."""
        name = f"{self.network}{', strided' if self.strided else ''}"
        where = f" of {quote(str(self.run))}" if self.run is not None else ""
        channels = "gray" if self.channels == 1 else f"{self.channels} channels"
        return f"{name}{where}, {self.size[0]}×{self.size[1]} px, {channels}"

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON can hold it."""
        run = {} if self.run is None else {"run": str(self.run)}
        picture = {} if self.picture is None else {"picture": str(self.picture)}
        about = {"network": self.network, "strided": self.strided, **run}
        return {**about, "channels": self.channels, "size": list(self.size), **picture, **self.layers.as_json()}


def describe_network(
    target: str,
    *,
    size: int | None = None,
    head: int | None = None,
    channels: int | None = None,
    strided: bool = False,
    out: Path | None = None,
) -> NetworkDescription:
    """The layers of a network, each with its output, receptive field, parameters and multiply-adds.

    Args:
        target: a name of `ilk.networks.NETWORKS`, or a run folder.
        size, channels: of the images; None for the paper's. A run has its own.
        head: dimensions of the embedding; None for the network's own.
        strided: strided convolutions in place of its pools.
        out: a picture, .svg or .png.
    Raises:
        UsageError: there is no such network or run, a run is given settings of its own, the images are too small for
            the network, or the picture has no place.
    """
    if out is not None:
        from ilk.insight.drawing import CREATOR

        refuse_foreign(out, begins_with(CREATOR.encode()))
    is_run = Path(target, CONFIG).is_file() or len(Path(target).parts) != 1
    if is_run and (size, head, channels, strided) != (None, None, None, False):
        raise UsageError(
            f"The run {target} has a network of its own. Leave `size`, `head`, `channels` and `strided` out, or name "
            "a network."
        )
    described = _of_run(Path(target), out) if is_run else _by_name(target, size, head, channels, strided, out)
    if out is not None:
        from ilk.insight.drawing import draw

        write_bytes(out, draw(described.layers, described.title, out.suffix.lower()[1:]))
    return described


def _of_run(folder: Path, picture: Path | None) -> NetworkDescription:
    from ilk.runs.open import open_space  # it brings the search for neighbors, which a network by name needs not

    run, space = open_space(folder, command="describe")
    layers = describe(space.network, channels=space.channels, size=space.size)
    strided = bool(space.options.get("strided"))
    return NetworkDescription(space.network_name, strided, run.path, space.channels, space.size, layers, picture)


def _by_name(
    given: str, size: int | None, head: int | None, channels: int | None, strided: bool, picture: Path | None
) -> NetworkDescription:
    name = _known_network(given)
    side, channels = size or NETWORKS[name].paper_size, channels or own_channels(name)
    network: nn.Module = outline(name, channels=channels, size=(side, side), dim=head, strided=strided)
    layers = describe(network, channels=channels, size=(side, side))
    return NetworkDescription(name, strided, None, channels, (side, side), layers, picture)


def _known_network(given: str) -> str:
    try:
        return canonical_name(given)
    except UsageError as error:
        meant = Path("runs", given)
        if not Path(meant, CONFIG).is_file():
            raise
        raise UsageError(f"{error} There is a run of that name: ilk describe {quote(str(meant))}") from error
