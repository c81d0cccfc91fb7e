"""`ilk fit`: train a space on a few labels and all images, and answer for every image."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ilk.cli.console import Console
from ilk.cli.options import (
    TYPED,
    AsJson,
    Data,
    Debug,
    Files,
    LabelsFile,
    MaxPixels,
    Out,
    Quiet,
    Seed,
    parsed_count,
    pointing_to_help,
)
from ilk.cli.signals import stoppable
from ilk.runs import threads
from ilk.runs.fit import fit_run, require_apart
from ilk.runs.intervals import CHECKPOINT_EVERY
from ilk.runs.request import Request, name_of

DEFAULT_TIME = "10m"


def fit(
    data: Data,
    labels: LabelsFile = None,
    files: Files = None,
    out: Out = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run at --out.")] = False,
    time_limit: Annotated[
        str | None, typer.Option("--time", metavar="T", help="Wall time: 90s, 10m (default), 1h.")
    ] = None,
    epochs: Annotated[float | None, typer.Option(metavar="N", help="Passes, instead of --time.")] = None,
    network: Annotated[str, typer.Option(metavar="NAME", help="E.g. resnet-18.")] = "auto",
    dim: Annotated[int | None, typer.Option(metavar="N", min=1, help="Dimensions of the embedding.")] = None,
    strided: Annotated[bool, typer.Option("--strided", help="Strided convolutions for pools.")] = False,
    size: Annotated[int | None, typer.Option(metavar="PX", help="Side of the images; default 28 or 32.")] = None,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="RUN", help="Begin with its weights, or a file's.")
    ] = None,
    freeze_to: Annotated[str | None, typer.Option(metavar="L", help="Layers up to L stay as in --from.")] = None,
    rate: Annotated[float | None, typer.Option(metavar="R", help="Learning rate, if not the network's.")] = None,
    augment: Annotated[str | None, typer.Option(metavar="NAME", help="affine (default: turns, shifts), none.")] = None,
    recipe: Annotated[
        str, typer.Option(metavar="NAME", help="E.g. mnist-100, cross-entropy.", show_default=False)
    ] = "default",
    groups: Annotated[
        Path | None, typer.Option(metavar="F", help="Table with label,group: classes that overlap.")
    ] = None,
    labels_per_class: Annotated[
        int | None, typer.Option(metavar="N", help="Experiments: hide all but N labels.")
    ] = None,
    subset: Annotated[int, typer.Option(metavar="S", help="Which random N labels.")] = 0,
    keep_epochs: Annotated[str | None, typer.Option(metavar="0,1,2", help="Keep the weights of these epochs.")] = None,
    checkpoint_every: Annotated[
        str, typer.Option(metavar="T", show_default=False, help="60s (default), 10m; or 500 (steps).")
    ] = CHECKPOINT_EVERY,
    max_pixels: MaxPixels = "100M",
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1.")] = "auto",
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Train on DATA and write a run folder: model, predictions, report."""
    started = time.monotonic()
    with pointing_to_help():
        request = Request(
            data=data,
            epochs=epochs,
            time_limit=_limit(time_limit, epochs, recipe := recipe.lower()),
            learning_rate=rate,
            augment=augment,
            seed=seed,
            labels=None if labels is None else str(labels),
            files=files,
            size=size,
            max_pixels=parsed_count(max_pixels),
            labels_per_class=labels_per_class,
            subset=subset,
            network=network,
            device=device,
            dim=dim,
            strided=strided,
            start=None if source is None else str(source),
            freeze_to=freeze_to,
            keep_epochs=_epochs(keep_epochs, epochs),
            recipe=recipe,
            groups=_groups(groups),
            checkpoint_every=checkpoint_every,
        )
        require_apart(request, folder := out or Path("runs") / name_of(data))
    console = Console(quiet, json)
    with stoppable(console) as stop:
        fit_run(
            request,
            folder,
            overwrite=overwrite,
            command=TYPED.get(),
            stop=stop,
            started=started,
            choose_threads=threads.threads_are_open(),
            events=console,
        )


def _limit(time_limit: str | None, epochs: float | None, recipe: str) -> float | None:
    if time_limit is not None and epochs is not None:
        raise typer.BadParameter("Give --time or --epochs, not both.")
    if time_limit is None and (epochs is not None or recipe != "default"):  # other recipes know their own length
        return None
    return _seconds(time_limit or DEFAULT_TIME)


def _groups(path: Path | None) -> dict[str, str] | None:
    if path is None:
        return None
    from ilk.data.groups_table import read_groups

    return read_groups(path)


def _seconds(text: str) -> float:
    from ilk.runs.intervals import parsed_duration

    try:
        return parsed_duration(text)
    except ValueError:
        raise typer.BadParameter(f"--time {text!r} is no time. Write for instance 90s, 10m or 1.5h.") from None


def _epochs(text: str | None, last: float | None) -> tuple[float, ...]:
    """The epochs in "0,1,2.5", each once, ascending."""
    try:
        epochs = {float(part) for part in text.split(",")} if text is not None else set()
    except ValueError:
        epochs = {-1.0}
    if not all(0 <= epoch < float("inf") for epoch in epochs):
        raise typer.BadParameter(f"--keep-epochs {text!r} are no epochs. Write for instance 0,1,2,5.")
    if last is not None and max(epochs, default=0) > last:
        raise typer.BadParameter(f"--keep-epochs {text}: the run ends after {last:g}. Name epochs up to there.")
    return tuple(sorted(epochs))
