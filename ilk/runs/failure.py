"""Say what to do next when a run is stopped, diverges, or lacks memory or disk space; and log it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from shlex import quote

from ilk.errors import DivergedError, IlkError, InterruptedRunError, ResourceError, UsageError
from ilk.runs.integrity import resume_hint
from ilk.runs.session import log
from ilk.storage.run import Run
from ilk.training.faults import is_out_of_memory

DIVERGES_AGAIN = "To resume would meet the same end: begin again by `ilk fit` with a smaller `learning_rate`."


@contextmanager
def explain_failure(run: Run) -> Iterator[None]:
    """Within the block, an error that ends the run says what to do next, by what is really there.

    Raises:
        InterruptedRunError, DivergedError, ResourceError, UsageError: with the remedy. A Ctrl-C is the first of these,
            lack of memory the third.
    """
    try:
        yield
    except InterruptedRunError as error:
        raise logged(run, InterruptedRunError(f"{error} Go on with: ilk resume {quote(str(run.path))}")) from error
    except DivergedError as error:
        raise logged(run, DivergedError(f"{error} {DIVERGES_AGAIN}")) from error
    except ResourceError as error:
        raise logged(run, ResourceError(f"{error} {resume_hint(run)}")) from error
    except UsageError as error:
        if not isinstance(error.__cause__, OSError):
            raise
        raise _cannot_write(run, error) from error
    except KeyboardInterrupt:
        raise logged(run, InterruptedRunError(f"Stopped at once. {resume_hint(run)}")) from None
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        text = "Out of memory. Close other programs, or train again with smaller images (`size`)."
        raise logged(run, ResourceError(f"{text} {resume_hint(run)}")) from error


def logged(run: Run, error: IlkError) -> IlkError:
    """The same error, after its sentence has gone to train.log if there is room for it."""
    with suppress(IlkError):
        log(run, f"Stopped {error}")
    return error


def _cannot_write(run: Run, error: UsageError) -> IlkError:
    if run.config.exists():
        return logged(run, UsageError(f"{error} {resume_hint(run)}"))
    return ResourceError(
        f"{error} The run folder {run.path} has vanished, and the run with it. Begin again with `ilk fit`."
    )
