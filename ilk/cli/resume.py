"""`ilk resume`: go on with an interrupted run where it stopped."""

from __future__ import annotations

import time

from ilk.cli.options import AsJson, Debug, Quiet, RunFolder


def resume(run: RunFolder, quiet: Quiet = False, json: AsJson = False, debug: Debug = False) -> None:
    """Go on with an interrupted run, bit for bit as if it had not stopped."""
    started = time.monotonic()
    from ilk.cli.console import Console
    from ilk.cli.signals import stoppable
    from ilk.runs.resume import resume_run

    console = Console(quiet, json)
    with stoppable(console) as stop:
        resume_run(run, stop=stop, started=started, events=console)
