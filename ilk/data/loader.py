"""The front door: from what the user named to a dataset, whatever form it has."""

from __future__ import annotations

import difflib
import stat
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from ilk.data.cifar import find_cifar, is_cifar_name
from ilk.data.dataset import Dataset
from ilk.data.folders import find_in_folder, find_one_file
from ilk.data.idx import find_idx, is_idx_name
from ilk.data.labeling import case_notes
from ilk.data.scanning import Scan, is_image_name, scan_folder
from ilk.data.source_parts import SPLITS, Source, choose_parts
from ilk.data.stack import Progress, assemble
from ilk.errors import DataError, LabelsFileError, NoImagesError, UsageError

_IMAGE_KINDS = "JPEG, PNG, WebP, BMP, TIFF and GIF"


def _is_parquet_name(name: str) -> bool:
    return name.lower().endswith((".parquet", ".pq"))


def _find_parquet(root: Path, files: Sequence[str], source: str, whole: bool) -> Source:
    from ilk.data.parquet import find_parquet  # brings pyarrow, which no other form needs

    return find_parquet(root, files, source, whole)


_FORMS: tuple[tuple[str, Callable[[str], bool], Callable[[Path, Sequence[str], str, bool], Source]], ...] = (
    ("Parquet", _is_parquet_name, _find_parquet),
    ("IDX", is_idx_name, find_idx),
    ("CIFAR", is_cifar_name, find_cifar),
)


def load(
    source: str | Path,
    *,
    split: str | None = None,
    labels: Path | None = None,
    files: str | None = None,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    max_pixels: int = 100_000_000,
    pixels: bool = True,
    on_progress: Progress | None = None,
) -> Dataset:
    """Read images and labels from a folder or file of any form that Ilk knows, without writing to it.

    Args:
        source: a folder of classes, a flat folder, one image, Parquet, IDX, or CIFAR's binary version.
        split: train, val, test; "all" or None for everything. In a source without splits, train is everything.
        labels: a table with the columns `filename,label`, for a folder of images.
        files: a pattern that chooses among several Parquet, IDX or CIFAR files; the chosen ones are the whole source.
        size: pixels, one number for a square or (height, width); None: 28 if the median longer side is at most 28
            pixels, else 32.
        channels: 1 or 3; None: 1 if every image is gray by its mode, else 3.
        max_pixels: images with more are skipped, by their header.
        pixels: False decodes each image to see whether it is whole, and keeps none: `images` is zero, without memory.
        on_progress: called with (images done, images in all).
    Returns:
        the images that decode, in the order of the source, and a reason for each one that does not.
    Raises:
        NoImagesError: no image is there. If none decodes, the dataset is empty instead, and names its reasons.
        LabelsFileError: the table contradicts itself or leaves the folder.
        ChannelsError: `channels` is 1, and there is a color image.
        DataError: the source does not exist, is damaged, or has no such split.
        UsageError: settings that cannot be meant.
    """
    found = _find(Path(source), labels, files)
    parts, notes = choose_parts(found, split, str(source))
    dataset = assemble(
        [part.read() for part in parts],
        source=str(source),
        size=size,
        channels=channels,
        max_pixels=max_pixels,
        pixels=pixels,
        on_progress=on_progress,
    )
    return replace(
        dataset,
        ignored=found.ignored,
        notes=found.notes + notes + dataset.notes + case_notes(dataset.counts()),
        root=found.root,
        unmatched=found.unmatched,
        hint=found.hint,
    )


def splits(source: str | Path, files: str | None = None) -> tuple[str, ...]:
    """Which of train, val and test a source is divided into; empty if it is not divided.

    Raises:
        DataError: as for `load`.
    """
    present = {part.split for part in _find(Path(source), None, files).parts}
    return tuple(split for split in SPLITS if split in present)


def _find(path: Path, labels: Path | None, files: str | None) -> Source:
    """Tell the form of a source by the names in it, and list it in that form."""
    if not path.exists():
        raise DataError(_missing(path))
    if labels is not None and not path.is_dir():
        raise LabelsFileError(f"{labels}: a table of labels goes with a folder of images, and {path} is a file.")
    if not path.is_dir():
        return _find_file(path, files)
    scan = scan_folder(path)
    archives = [(form, [n for n in scan.files if named(n)], find) for form, named, find in _FORMS]
    archives = [(form, names, find) for form, names, find in archives if names]
    if files is not None:
        archives = _matching(archives, files, path)
    images = any(is_image_name(name) for name in scan.files)
    if not archives or (labels is not None and images):
        found = find_in_folder(scan, Path(labels) if labels is not None else None)
        _require_images(found, path, scan)
        return found
    if labels is not None:
        raise LabelsFileError(f"{labels}: a table goes with image files, and {path} holds {archives[0][0]} files.")
    if files is None and (images or len(archives) > 1):
        kinds = [form for form, _, _ in archives] + ["image"] * images
        raise DataError(
            f"{path} holds {' and '.join(kinds)} files, and one form is allowed. Name one of them: a file, a folder "
            "with one form, or `files` PATTERN."
        )
    _, names, find = archives[0]
    for name in names:
        _require_readable(path / name)
    found = find(path, names, str(path), files is not None)
    _require_images(found, path, scan)
    return replace(found, ignored=scan.ignored, notes=scan.notes + found.notes)


def _find_file(path: Path, files: str | None) -> Source:
    if files is not None:
        raise UsageError(f"`files` chooses among the files of a folder, and {path} is a file. Leave it out.")
    for _, named, find in _FORMS:
        if named(path.name):
            _require_readable(path)
            found = find(path.parent, [path.name], str(path), False)
            _require_images(found, path)
            return found
    if is_image_name(path.name):
        return find_one_file(path)
    raise DataError(
        f"{path} is in no form that Ilk reads. Allowed: a folder of images, one image ({_IMAGE_KINDS}), Parquet, "
        "IDX, CIFAR's binary version. Unpack archives first; give a table of labels by `labels`, beside its folder."
    )


def _require_readable(path: Path) -> None:
    """Refuse an archive that is no plain file (to open a named pipe would wait forever) or may not be read."""
    try:
        if stat.S_ISREG(path.stat().st_mode):
            path.open("rb").close()
            return
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Allow reading it, or leave it out.") from error
    raise DataError(f"{path} is no regular file. Save it as a file on disk, or leave it out.")


def _matching(archives: list, files: str, path: Path) -> list:
    """The archives whose names match the pattern, all of one form."""
    chosen = [
        (form, [n for n in names if fnmatchcase(n, files) or fnmatchcase(PurePosixPath(n).name, files)], find)
        for form, names, find in archives
    ]
    chosen = [entry for entry in chosen if entry[1]]
    if len(chosen) == 1:
        return chosen
    there = ", ".join(name for _, names, _ in archives for name in names[:10])
    problem = "matches files of several forms" if chosen else "matches no Parquet, IDX or CIFAR file"
    raise DataError(f"`files` {files} {problem} in {path}. {f'It holds: {there}.' if there else 'It holds none.'}")


def _require_images(found: Source, path: Path, scan: Scan | None = None) -> None:
    if any(part.count for part in found.parts):
        return
    names = scan.files if scan else ()
    kinds = Counter(PurePosixPath(name).suffix.lower() or "no suffix" for name in names).most_common(5)
    seen = f" Found instead: {', '.join(f'{n} x {kind}' for kind, n in kinds)}." if kinds else ""
    raise NoImagesError(f"{path} holds no image.{seen} Allowed: {_IMAGE_KINDS} files, Parquet, IDX, CIFAR.")


def _missing(path: Path) -> str:
    try:
        beside = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        beside = []
    folded = {name.casefold(): name for name in beside}
    near = [folded[name] for name in difflib.get_close_matches(path.name.casefold(), folded, n=1)]
    hint = f" Did you mean {path.parent / near[0]}?" if near else " Give the path of a folder or file that exists."
    return f"{path} does not exist.{hint}"
