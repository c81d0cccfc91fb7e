"""Save checkpoints, and die at one operation of the file system after the other; prints what each death leaves.

Run as a program, `killed.py FOLDER COUNT STRIDE`, it dies at every STRIDE-th operation, COUNT times. One JSON line on
stdout: for each death, the operation at which it came, the last step whose saving had been finished, the step that
loads, and the one that loads after going on.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ilk.storage import files
from ilk.storage.checkpoint import load_checkpoint, save_checkpoint
from ilk.storage.lock import holding
from ilk.storage.run import Run, create_run


def save(run: Run, step: int) -> None:
    tensors = {"w": torch.full((50, 40), float(step)), "b": torch.full((3,), float(-step))}
    save_checkpoint(run, tensors, {"step": step, "history": [{"loss": 0.1 * i} for i in range(step)]})


def loaded(run: Run) -> int | None:
    """The step that loads, once its tensors have been found to be of that step."""
    found = load_checkpoint(run)
    if found is None:
        return None
    tensors, state = found
    whole = bool((tensors["w"] == state["step"]).all()) and len(state["history"]) == state["step"]
    return state["step"] if whole else -1


def die_at(fatal: int) -> list[str]:
    """From now on count writes, syncs, renames and removals, and die at one of them; a write dies half-way."""
    seen: list[str] = []

    def count(name: str) -> bool:
        seen.append(name)
        return len(seen) == fatal

    def deadly(name: str, real: Callable) -> Callable:
        def call(*arguments: Any, **options: Any) -> Any:
            if count(name):
                os._exit(9)
            return real(*arguments, **options)

        return call

    def opened(path: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        file = real_open(path, mode, *arguments, **options)
        if mode == "wb":
            if count("open"):
                os._exit(9)
            real_write = file.write
            wrapped = _Dying(file, real_write, lambda: count("write"))
            return wrapped
        return file

    real_open = io.open
    io.open = opened  # type: ignore[assignment]  # pathlib looks it up at each call
    files.os.fsync = deadly("fsync", os.fsync)
    files.os.replace = deadly("replace", os.replace)
    os.unlink = deadly("unlink", os.unlink)
    return seen


class _Dying:
    def __init__(self, file: Any, write: Callable[[bytes], int], fatal: Callable[[], bool]) -> None:
        self.file, self.real_write, self.fatal = file, write, fatal

    def __enter__(self) -> _Dying:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def write(self, data: bytes) -> int:
        if self.fatal():
            self.real_write(memoryview(data).cast("B")[: len(data) // 2])
            self.file.flush()
            os._exit(9)
        return self.real_write(data)


def one_death(run: Run, fatal: int, steps: int) -> dict[str, Any] | None:
    """Save `steps` checkpoints in a process that dies at operation `fatal`; None where it lived on."""
    done, told = os.pipe()
    if (child := os.fork()) == 0:
        seen = die_at(fatal)
        with holding(run):
            for step in range(1, steps + 1):
                save(run, step)
                os.write(told, f"{step} ".encode())
        os.write(told, f"alive after {len(seen)}".encode())
        os._exit(0)
    os.close(told)
    with os.fdopen(done) as reader:
        said = reader.read()
    os.waitpid(child, 0)
    if "alive" in said:
        return None
    finished = max((int(step) for step in said.split()), default=0)
    found = loaded(run)
    with holding(run):
        save(run, steps + 1)
    left = [path.name for path in run.path.rglob(".*")]
    return {"fatal": fatal, "finished": finished, "loaded": found, "goes_on": loaded(run), "left": left}


def main(folder: Path, count: int, stride: int) -> None:
    deaths = []
    for fatal in range(1, count * stride + 1, stride):
        run = create_run(folder / "run", overwrite=False, config={})
        death = one_death(run, fatal, steps=count * stride // 10 + 1)
        shutil.rmtree(run.path)
        if death is None:
            break
        deaths.append(death)
    print(json.dumps(deaths))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
