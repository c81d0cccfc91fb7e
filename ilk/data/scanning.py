"""Walks a folder once: which files are there, and how many were passed over."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ilk.data.file_signatures import UNREAD_SUFFIXES
from ilk.errors import DataError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"})
_LEFTOVERS = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
_LARGEST_CONFIG = 16 * 2**20
_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Scan:
    """The files and folders under a folder, as paths relative to it, sorted.

    Args:
        root: the folder itself.
        files: relative path with "/" for every file, also those that are no regular file.
        folders: the same for every folder but those that hold runs of Ilk.
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


def is_picture_name(name: str) -> bool:
    """Whether a file's name ends like an image, also of a kind that Ilk cannot read and will name as skipped."""
    return is_image_name(name) or os.path.splitext(name)[1].lower() in UNREAD_SUFFIXES


def readable(name: str) -> str:
    """A name that can be written as UTF-8; bytes of another encoding become escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def quoted(name: str) -> str:
    """A name in quotation marks, odd characters as escapes, but a backslash as one: so a search finds it."""
    shown = readable(name) if len(name) <= _LONGEST_SHOWN else f"{readable(name[:_LONGEST_SHOWN])}…"
    return repr(shown).replace("\\\\", "\\")


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
    homes: set[str] = set()
    ignored = 0
    seen: set[tuple[int, int]] = set()
    waiting, links = [""], list[str]()
    while waiting or links:
        # Links come last, so that a folder which is also linked to keeps its own name.
        prefix = (waiting or links).pop()
        try:
            entries = _entries(root / prefix, seen)
        except OSError as error:
            if not prefix:
                raise DataError(f"{root} cannot be listed: {error.strerror}. Allow reading it, or copy it.") from error
            notes.append(
                f"The folder {readable(prefix)} cannot be read ({error.strerror}); its images are missing here."
            )
            continue
        if entries is None:
            if not prefix:
                raise DataError(f"{root} is a run of Ilk, not a folder of images. Name the images it was made from.")
            ignored += 1
            homes.add(prefix.rpartition("/")[0])
            continue
        if prefix:
            folders.append(prefix)
        for entry in entries:
            path = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.name.startswith(".") or entry.name.casefold() in _LEFTOVERS:
                ignored += 1
            elif _is_folder(entry):
                (links if entry.is_symlink() else waiting).append(path)
            else:
                files.append(path)
    folders = [folder for folder in folders if folder not in homes]
    return Scan(root, tuple(sorted(files)), tuple(sorted(folders)), ignored, tuple(notes))


def _entries(folder: Path, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]] | None:
    """What lies in a folder; None for a folder that was seen before, and for a run of Ilk."""
    status = folder.stat()
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name, reverse=True)
    again = (status.st_dev, status.st_ino) in seen
    seen.add((status.st_dev, status.st_ino))
    run = not again and any(entry.name == "config.json" for entry in entries) and is_run(folder)
    return None if again or run else entries


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir() and not is_image_name(entry.name)
    except OSError:  # a link that leads to itself
        return False
