"""A disk that is full from the i-th change on, or a folder that is gone: for tests only."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ilk.storage import files


class FullDisk:
    """Counts what is opened for writing, synced, renamed and made below a folder, and fails from one of them on.

    Args:
        folder: below which changes count.
        fails_from: the first change that fails, counted from 1; 0 counts only.
        number: of the error.
    """

    def __init__(self, folder: Path, fails_from: int = 0, number: int = errno.ENOSPC) -> None:
        self.folder, self.fails_from, self.number = str(folder.resolve()), fails_from, number
        self.changes: list[str] = []

    def install(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(io, "open", self.opening(io.open))
        patch.setattr(
            files.os, "fsync", self.guarded(os.fsync, lambda handle, *_: os.readlink(f"/proc/self/fd/{handle}"))
        )
        patch.setattr(files.os, "replace", self.guarded(os.replace, lambda source, *_: source))
        patch.setattr(os, "mkdir", self.guarded(os.mkdir, lambda path, *_: path))

    def guarded(self, real: Callable, place: Callable) -> Callable:
        def call(*arguments: Any, **options: Any) -> Any:
            self.change(real.__name__, place(*arguments))
            return real(*arguments, **options)

        return call

    def opening(self, real: Callable) -> Callable:
        def opened(path: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            if not isinstance(path, int) and set(mode) & set("wax+"):
                self.change("open", path)
                file = real(path, mode, *arguments, **options)
                if mode == "wb":
                    return _HalfWritten(file, lambda: self.change("write", path))
                return file
            return real(path, mode, *arguments, **options)

        return opened

    def change(self, what: str, path: Any) -> None:
        place = os.path.realpath(path)
        if not (place + os.sep).startswith(self.folder + os.sep):
            return
        self.changes.append(f"{what} {os.path.relpath(place, self.folder)}")
        if 0 < self.fails_from <= len(self.changes):
            raise OSError(self.number, os.strerror(self.number), str(path))


class _HalfWritten:
    def __init__(self, file: Any, change: Callable[[], None]) -> None:
        self.file, self.change = file, change

    def __enter__(self) -> _HalfWritten:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, data: Any) -> int:
        try:
            self.change()
        except OSError:
            whole = memoryview(data).cast("B")
            self.file.write(whole[: len(whole) // 2])
            raise
        return self.file.write(data)
