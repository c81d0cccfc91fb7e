"""Walks a folder once: which files are there, and how many were passed over."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ilk.errors import DataError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"})
_LEFTOVERS = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
_LARGEST_CONFIG = 16 * 2**20


@dataclass(frozen=True)
class Scan:
    """The files and folders under a folder, as paths relative to it, sorted.

    Args:
        root: the folder itself.
        files: relative path with "/" for every file, also those that are no regular file.
        folders: the same for every folder.
        ignored: hidden files and folders, leftovers of archives, runs of Ilk; each counts once.
        notes: folders that could not be read.
    """

    root: Path
    files: tuple[str, ...]
    folders: tuple[str, ...]
    ignored: int
    notes: tuple[str, ...]


def is_image_name(name: str) -> bool:
    """Whether a file's name ends like an image that Ilk reads."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def is_run(folder: Path) -> bool:
    """Whether a folder is a run that Ilk wrote: its config.json is an object with the key "ilk"."""
    config = folder / "config.json"
    try:
        status = config.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_CONFIG:
            return False
        content = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and "ilk" in content


def scan_folder(root: Path) -> Scan:
    """List a folder and all below it, opening no file but a config.json.

    Links to folders are followed, each real folder once. A folder that is named like an image counts as a file, so
    that the decoder can name it among the skipped.

    Raises:
        DataError: the folder itself cannot be listed, or is a run of Ilk.
    """
    files: list[str] = []
    folders: list[str] = []
    notes: list[str] = []
    ignored = 0
    seen: set[tuple[int, int]] = set()
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        folder = root / prefix
        try:
            status = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            if not prefix:
                raise DataError(f"{root} cannot be listed: {error.strerror}.") from error
            notes.append(f"The folder {prefix} cannot be read ({error.strerror}); its images are missing here.")
            continue
        if (status.st_dev, status.st_ino) in seen:
            ignored += 1
            continue
        seen.add((status.st_dev, status.st_ino))
        if any(entry.name == "config.json" for entry in entries) and is_run(folder):
            if not prefix:
                raise DataError(f"{root} is a run of Ilk, not a folder of images. Name the images it was made from.")
            ignored += 1
            continue
        if prefix:
            folders.append(prefix)
        for entry in entries:
            if entry.name.startswith(".") or entry.name.casefold() in _LEFTOVERS:
                ignored += 1
            elif entry.is_dir() and not is_image_name(entry.name):
                waiting.append(f"{prefix}/{entry.name}" if prefix else entry.name)
            else:
                files.append(f"{prefix}/{entry.name}" if prefix else entry.name)
    return Scan(root, tuple(sorted(files)), tuple(sorted(folders)), ignored, tuple(notes))
