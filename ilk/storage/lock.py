"""The lock of a run: one process at a time writes into it; the kernel releases the lock of a process that dies."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ilk.errors import UsageError
from ilk.storage.files import write_error
from ilk.storage.run import LOCK, Run, read_config, require_free, require_plain, reset_run

READING = "reading"
"""The key in config.json of a run whose images have not all been read yet."""
PARTIAL = re.compile(r"\..+\.(\d+)\.partial")


@contextmanager
def holding(run: Run) -> Iterator[None]:
    """Keep other processes from writing into a run folder while the block lasts.

    What processes that were killed left half-written there is removed first.

    Raises:
        UsageError: another process holds it, named by its process ID; or the folder cannot be written to, or holds a
            link, a pipe or a device in place of a file of the run.
    """
    require_plain(run)
    handle = _lock(run)
    try:
        with suppress(OSError):  # a full disk: the lock holds without its note
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        _sweep(run)
        yield
    finally:
        with suppress(OSError):
            (run.path / LOCK).unlink()
        os.close(handle)


@contextmanager
def begin_run(run: Run, *, overwrite: bool, config: dict[str, object]) -> Iterator[None]:
    """Hold the place of a new run from its first moment on; if it cannot begin, leave the place as it was.

    A new or empty folder gets its config.json at once, so that a run that is killed while its images are read can be
    resumed. An earlier run stays as it is until `reset_run()` replaces it.

    Args:
        run: where.
        overwrite: allow an earlier run there.
        config: what was asked for; "reading" is added, until `reset_run()` writes another config.
    Raises:
        RunExistsError: as for `create_run()`.
        UsageError: another process holds the folder, or it cannot be written to.
        ResourceError: the disk is full.
    """
    require_plain(run)
    if process := holder(run):
        raise UsageError(f"Another process ({process}) is writing into {run.path}. Name another place by `out`.")
    require_free(run.path, overwrite=overwrite)
    made = [folder for folder in (run.path, *run.path.parents) if not os.path.lexists(folder)]
    try:
        try:
            run.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(error, run.path) from error
        with holding(run):
            require_free(run.path, overwrite=overwrite)  # since the first look, another process may have begun a run
            with _undone(run):
                if not run.config.exists():
                    reset_run(run, {**config, READING: True})
                yield
    except BaseException:
        for folder in made:
            with suppress(OSError):  # not empty: the run has begun, or something else came in
                folder.rmdir()
        raise


@contextmanager
def _undone(run: Run) -> Iterator[None]:
    """Take config.json away again where the block ends with an error before the run has begun."""
    earlier = run.config.exists()
    try:
        yield
    except BaseException:
        if not earlier and run.config.exists() and read_config(run).get(READING):
            run.config.unlink()
        raise


def holder(run: Run) -> str:
    """The process ID of the one that writes into a run at the moment, or "" for none."""
    try:
        handle = os.open(run.path / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return ""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.read(handle, 20).decode(errors="replace").strip()
    except OSError:  # a file system without locks
        return ""
    finally:
        os.close(handle)
    return ""


def _lock(run: Run) -> int:
    """Open and lock the file that lies there; one that its holder has just removed would lock nobody out."""
    path = run.path / LOCK
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise write_error(error, path) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.exists(path) and os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        except BlockingIOError:
            holder = os.read(handle, 20).decode(errors="replace").strip()
            os.close(handle)
            which, way = (f" ({holder})", f", or stop it by: kill {holder}") if holder else ("", ".")
            raise UsageError(
                f"Another process{which} is writing into {run.path}. Wait until it has ended{way}"
            ) from None
        except OSError:  # a file system without locks
            return handle
        os.close(handle)


def _sweep(run: Run) -> None:
    for path in run.path.rglob(".*.partial"):
        found = PARTIAL.fullmatch(path.name)
        if found and not _alive(int(found[1])):
            with suppress(OSError):
                path.unlink()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return process != os.getpid()
