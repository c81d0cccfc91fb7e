"""Which image a name in a table means, when the two are spelled a little differently."""

from __future__ import annotations

import difflib
import os
import posixpath
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from unicodedata import normalize

from ilk.data.file_signatures import UNREAD_SUFFIXES
from ilk.data.scanning import IMAGE_SUFFIXES, is_image_name, readable

GUESSES = frozenset({"its folder left out", "other folders above it", "file ending"})
OUTSIDE = "outside"
_ELSEWHERE = "path of another computer"
_NO_FILE = "there is no such file"

_WINDOWS_ROOT = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_ENDINGS = IMAGE_SUFFIXES | UNREAD_SUFFIXES
_NAMES_COMPARED, _LEAST_SIMILARITY = 4, 0.6
_LONGEST_PATH = 4096  # characters; no path is longer, and to look for one could take hours
_WRAPPING = " \t\u00a0\u200b\ufeff'\"\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"


@dataclass(frozen=True)
class Match:
    """The image that a name means, or None and why not.

    Args:
        name: the image's relative path.
        kind: how the spelling differs, in words; empty if it does not.
        reason: why there is none, in words; OUTSIDE for a path that leaves the folder.
        above: folders of another computer before the name; None for other paths.
    """

    name: str | None = None
    kind: str = ""
    reason: str = ""
    above: str | None = None


class Names:
    """The files of a folder, to be found by names that people typed; each way to look is prepared when it is needed.

    Args:
        root: the folder.
        images: relative paths of its images, also of those that will not decode.
        others: relative paths of its other files.
    """

    def __init__(self, root: Path, images: Iterable[str], others: Iterable[str] = ()) -> None:
        self.root, self.images, self.others = root, dict.fromkeys(images), frozenset(others)

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """The absolute paths by which the folder is known."""
        return tuple(dict.fromkeys((os.path.normpath(self.root.absolute()), os.path.realpath(self.root))))

    @cached_property
    def composed(self) -> dict[str, list[str]]:
        """Images by their name with accents composed."""
        return _grouped((composed(name), name) for name in self.images)

    @cached_property
    def trimmed(self) -> dict[str, list[str]]:
        """Images by their name without blanks and quotation marks around it."""
        return _grouped((composed(name).strip(_WRAPPING), name) for name in self.images)

    @cached_property
    def forwards(self) -> list[tuple[str, str]]:
        """Each image's name without regard to letter case, and the image, sorted."""
        return sorted((folded(name), name) for name in self.images)

    @cached_property
    def backwards(self) -> list[tuple[str, str]]:
        """The same with each folded name read from its end."""
        return sorted((plain[::-1], name) for plain, name in self.forwards)

    @cached_property
    def folded(self) -> dict[str, list[str]]:
        """Images by their folded name."""
        return _grouped(self.forwards)

    @cached_property
    def bare(self) -> dict[str, list[str]]:
        """Images by their folded name without folders."""
        return _grouped((plain.rpartition("/")[2], name) for plain, name in self.forwards)

    @cached_property
    def stems(self) -> dict[str, list[str]]:
        """Images by their folded name without its ending."""
        return _grouped((stem(plain), name) for plain, name in self.forwards)

    @cached_property
    def bare_stems(self) -> dict[str, list[str]]:
        """Images by their folded name without folders and ending."""
        pairs = ((plain.rpartition("/")[2], names) for plain, names in self.stems.items())
        return _grouped((bare, name) for bare, names in pairs for name in names)

    @cached_property
    def readable(self) -> dict[str, list[str]]:
        """Images whose names are not UTF-8, by the spelling that Ilk's tables give them."""
        return _grouped((readable(name), name) for name in self.images if not name.isprintable())


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for key, name in pairs:
        found[key].append(name)
    return dict(found)


def composed(text: str) -> str:
    """A text with its accents composed (Unicode NFC), so that both spellings of é are one."""
    return normalize("NFC", text)


def folded(text: str) -> str:
    """A text without regard to letter case, to the spelling of accents, and to blanks around it."""
    return normalize("NFC", normalize("NFC", text).casefold()).strip()


def stem(name: str) -> str:
    """A name without the ending of an image: IMG_1 for IMG_1.jpg, but photo.2024 for photo.2024."""
    front, ending = posixpath.splitext(name)
    return front if ending.lower() in _ENDINGS else name


def find_name(cell: str, names: Names) -> Match:
    """The image that a cell of a table means: as it is spelled, else by the first looser way that fits just one image.

    The ways, in this order: backslashes, accents, blanks, letter case, a folder left out, folders too many, the ending.
    Where several images fit equally well, none is taken.
    """
    if cell in names.images:
        return Match(cell)
    if len(cell) > _LONGEST_PATH:
        return Match(reason=_NO_FILE)
    if _WINDOWS_ROOT.match(cell):
        return _find_elsewhere(cell, names)
    inside = _inside(cell, names)
    if inside in names.images:
        return Match(inside)
    if "\\" in cell and len(names.readable.get(cell, [])) == 1:
        return Match(names.readable[cell][0], "bytes that are not UTF-8")
    if inside not in names.others and "\\" in cell:
        inside = _inside(cell.replace("\\", "/"), names)
    return Match(reason=OUTSIDE) if inside is None else _find_loosely(inside, names)


def _find_loosely(inside: str, names: Names) -> Match:
    if inside in names.others:
        return Match(reason="that is no image that Ilk reads")
    for kind, candidates in _ways(inside, names):
        if len(candidates) > 1:
            shown = ", ".join(map(repr, candidates[:3])) + ", …" * (len(candidates) > 3)
            return Match(reason=f"it fits several images alike: {shown}")
        if candidates:
            return Match(candidates[0], kind)
    return Match(reason=_NO_FILE)


def nearest(cell: str, names: Names) -> str | None:
    """The image whose name is most like a cell's, or None if none is like it.

    Looks only at the names beside it in alphabetical order, read from the front and from the end: time grows with the
    logarithm of the number of images.
    """
    if len(cell) > _LONGEST_PATH:
        return None
    wanted = folded(cell.replace("\\", "/"))
    candidates = dict.fromkeys(_beside(wanted, names.forwards) + _beside(wanted[::-1], names.backwards))
    matcher = difflib.SequenceMatcher(b=wanted, autojunk=False)
    best, likeness = None, _LEAST_SIMILARITY
    for name in candidates:
        matcher.set_seq1(folded(name) if "/" in wanted else posixpath.basename(folded(name)))
        if matcher.quick_ratio() > likeness and matcher.ratio() > likeness:
            best, likeness = name, matcher.ratio()
    return best


def _inside(cell: str, names: Names) -> str | None:
    """A path relative to the folder in its plainest form; None if it leads outside."""
    path = posixpath.normpath(cell)
    if not posixpath.isabs(path) and path != ".." and not path.startswith("../"):
        return path
    places = [posixpath.normpath(posixpath.join(names.roots[0], path))]
    if posixpath.isabs(cell):
        places.append(posixpath.join(os.path.realpath(posixpath.dirname(cell)), posixpath.basename(cell)))
    for place in places:
        for root in names.roots:
            if place.startswith(f"{root.rstrip('/')}/"):
                return posixpath.relpath(place, root)
    return None


def _find_elsewhere(cell: str, names: Names) -> Match:
    """An absolute path of Windows: its end may be the whole path of an image within the folder."""
    path = folded(cell.replace("\\", "/"))
    parts = path.split("/")
    for begin in range(1, len(parts)):
        tail = "/".join(parts[begin:])
        candidates = names.folded.get(tail, [])
        if len(candidates) == 1:
            return Match(candidates[0], _ELSEWHERE, above=path.removesuffix(tail))
    return Match(reason=_NO_FILE, above=path)


def _ways(name: str, names: Names) -> Iterable[tuple[str, Sequence[str]]]:
    """Each looser way to read a name with the images that it fits, strictest first."""
    yield "backslashes", [name] if name in names.images else []
    yield "Unicode spelling", names.composed.get(composed(name), [])
    yield "blanks or quotes around it", names.trimmed.get(composed(name).strip(_WRAPPING), [])
    plain = folded(name)
    yield "letter case", names.folded.get(plain, [])
    if "/" not in plain:
        candidates = names.bare.get(plain, [])
        same = [found for found in candidates if composed(posixpath.basename(found)) == composed(name)]
        yield "its folder left out", same if len(same) == 1 else candidates
    parts = plain.split("/")
    for begin in range(1, len(parts)):
        yield "other folders above it", names.folded.get("/".join(parts[begin:]), [])
    for stems in (names.stems, {} if "/" in plain else names.bare_stems):
        candidates = stems.get(stem(plain), [])
        # A camera's raw file beside its JPEG is no second meaning.
        yield "file ending", [found for found in candidates if is_image_name(found)] or candidates


def _beside(wanted: str, ordered: Sequence[tuple[str, str]]) -> list[str]:
    place = bisect_left(ordered, (wanted, ""))
    return [name for _, name in ordered[max(0, place - _NAMES_COMPARED) : place + _NAMES_COMPARED]]
