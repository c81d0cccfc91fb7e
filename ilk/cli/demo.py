"""`ilk demo`: the whole path on real handwritten digits, offline, in about a minute."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ilk.cli.options import TYPED, AsJson, Debug, Out, Quiet, Seed

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
    from ilk.cli.console import Console
    from ilk.cli.evaluate import tell_evaluation
    from ilk.cli.map import tell_map
    from ilk.cli.signals import stoppable
    from ilk.runs import threads
    from ilk.runs.demo import HELD_OUT, LABELS_PER_CLASS, write_digits
    from ilk.runs.evaluate import evaluate_run
    from ilk.runs.fit import fit_run
    from ilk.runs.map import map_run
    from ilk.runs.request import Request
    from ilk.storage.run import require_free

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
    request = Request(str(images), epochs=epochs, seed=seed)
    with stoppable(console) as stop:
        fit_run(
            request,
            folder,
            overwrite=True,
            command=TYPED.get(),
            stop=stop,
            started=started,
            choose_threads=threads.threads_are_open(),
            events=console,
        )
    tell_map(map_run(folder, events=console), console)
    command = ["evaluate", str(folder), str(images), "--split", "test"]
    tell_evaluation(evaluate_run(folder, images, split="test", command=command, events=console), console)
