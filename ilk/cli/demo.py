"""`ilk demo`: the whole path on real handwritten digits, offline, in about a minute."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from ilk.cli.options import AsJson, Debug, Out, Quiet, Seed

LABELS_PER_CLASS = 10
HELD_OUT = 500
EPOCHS = 40


def demo(
    out: Out = None,
    epochs: Annotated[float, typer.Option(metavar="N", help="Passes over the images.")] = EPOCHS,
    seed: Seed = 0,
    quiet: Quiet = False,
    json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Fit scikit-learn's 1,797 handwritten digits, 10 labels per class, and measure the error on 500 others."""
    started = time.monotonic()
    from ilk.runs.threads import nothing_chosen, threads_are_open

    choose_threads = threads_are_open()  # asked before torch is loaded
    from ilk.cli.console import Console
    from ilk.cli.evaluate import evaluate
    from ilk.cli.map import map_run
    from ilk.cli.signals import stoppable
    from ilk.runs.fit import start
    from ilk.runs.request import Request, absolute
    from ilk.storage.lock import begin_run
    from ilk.storage.run import Run, require_free
    from ilk.training import Settings

    console = Console(quiet, json)
    folder = out or Path("runs/demo")
    require_free(folder, overwrite=True)
    if folder.exists():
        console.say(f"Demo    replaces the earlier demo in {folder}")
    images = folder.with_name(folder.name + "-images")
    console.say(
        f"Demo    1,797 real handwritten digits as PNG files in {images}: {LABELS_PER_CLASS} labels per class are"
    )
    console.say(f"        shown to the training, {HELD_OUT} images are held out for the error at the end")
    write_digits(images, seed=0)
    request = Request(data=absolute(images) or "", settings=Settings(epochs=epochs, seed=seed))
    run = Run(folder)
    config = {"request": request.as_config(), "command": sys.argv[1:], "finished": False} | (
        nothing_chosen() if choose_threads else {}
    )
    with begin_run(run, overwrite=True, config=config), stoppable(console) as stop:
        start(run, request, console, stop, started, choose_threads=choose_threads)
    map_run(run.path, quiet=quiet, json=json)
    evaluate(run.path, str(images), split="test", quiet=quiet, json=json)


def write_digits(folder: Path, seed: int) -> None:
    """Scikit-learn's bundled digits as a folder: train/<class>, train/unlabeled, test/<class>; written once."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    shown = dict.fromkeys(range(10), 0)
    for place, i in enumerate(order):
        target = int(digits.target[i])
        if place < HELD_OUT:
            part = f"test/{target}"
        elif shown[target] < LABELS_PER_CLASS:
            shown[target] += 1
            part = f"train/{target}"
        else:
            part = "train/unlabeled"
        path = folder / part / f"{i:04d}.png"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((digits.images[i] * (255 / 16)).round().astype(np.uint8)).save(path)
