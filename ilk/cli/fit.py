"""`ilk fit`: train a space on a few labels and all images, and answer for every image."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ilk.cli.options import AsJson, Data, Debug, Files, LabelsFile, MaxPixels, Out, Quiet, Seed, name_of, parsed_count

DEFAULT_TIME = "10m"


def fit(
    data: Data,
    labels: LabelsFile = None,
    files: Files = None,
    out: Out = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run at --out.")] = False,
    time_limit: Annotated[
        str | None, typer.Option("--time", metavar="T", help="Wall time for all, e.g. 90s, 10m (default), 1h.")
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(metavar="N", help="Passes over the images, instead of --time.")
    ] = None,
    network: Annotated[str, typer.Option(metavar="NAME", help="neighbor-mnist, -cifar, -2d; auto.")] = "auto",
    size: Annotated[int | None, typer.Option(metavar="PX", help="Side of the images; default 28 or 32.")] = None,
    augment: Annotated[str, typer.Option(metavar="NAME", help="affine (turns, shifts) or none.")] = "affine",
    labels_per_class: Annotated[
        int | None, typer.Option(metavar="N", help="Experiments: hide all but N labels.")
    ] = None,
    subset: Annotated[int, typer.Option(metavar="S", help="Which random N labels per class.")] = 0,
    max_pixels: MaxPixels = "100M",
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1.")] = "auto",
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Train on DATA and write a run folder: model, predictions, report."""
    started = time.monotonic()
    if time_limit is not None and epochs is not None:
        raise typer.BadParameter("Give --time or --epochs, not both.")
    limit = None if epochs is not None else _seconds(time_limit or DEFAULT_TIME)
    if labels_per_class is not None and labels_per_class < 1:
        raise typer.BadParameter(f"--labels-per-class must be 1 or more, not {labels_per_class}.")
    if subset < 0:
        raise typer.BadParameter(f"--subset {subset} is no subset. Allowed: 0 or more.")
    pixels = parsed_count(max_pixels)
    folder = out or Path("runs") / name_of(data)

    from ilk.cli.console import Console
    from ilk.storage.run import require_free

    require_free(folder, overwrite=overwrite)

    from ilk.cli.request import Request, absolute
    from ilk.cli.running import start
    from ilk.recipes.default import choose_network
    from ilk.training import Settings

    request = Request(
        data=absolute(data) or "",
        settings=Settings(epochs=epochs, time_limit=limit, augment=augment, seed=seed),
        labels=absolute(labels),
        files=files,
        size=size,
        max_pixels=pixels,
        labels_per_class=labels_per_class,
        subset=subset,
        network=choose_network(network),
        device=device,
    )
    start(request, folder, overwrite=overwrite, console=Console(quiet, json), started=started)


def _seconds(text: str) -> float:
    from ilk.cli.console import parsed_duration

    try:
        return parsed_duration(text)
    except ValueError:
        raise typer.BadParameter(f"--time {text!r} is no time. Write for instance 90s, 10m or 1.5h.") from None
