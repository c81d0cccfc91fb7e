"""The names of the labeled images as a file of their own: one JSON string a line, in the order of their points."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from ilk.errors import ModelError
from ilk.model.checksums import Member
from ilk.storage.files import AGAIN

MEAN_BYTES_LIMIT = 2**13
"""So many bytes a name may have on average: twice the longest path that an operating system takes."""
SHORTEST = len(b'""\n')
LINES = re.compile(rb'(?:"(?:[^"\\\n]++|(?:\\.)++)*+"\n)*+')
"""Lines of one JSON string each and nothing else, so that nothing larger than its text comes out of a line."""


def to_lines(names: Sequence[str]) -> bytes:
    """The names as the file holds them, in UTF-8."""
    text = json.dumps(list(names), ensure_ascii=False, separators=("\n", ":"))[1:-1] + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:  # a file name that is not UTF-8
        return (json.dumps(list(names), separators=("\n", ":"))[1:-1] + "\n").encode()


def size_problem(size: int, count: int) -> str | None:
    """Why a file of so many bytes cannot hold the names of `count` labeled images, in words; None if it can."""
    if size < SHORTEST * count:
        return f"{size:,} bytes cannot hold the names of {count:,} labeled images"
    if size > MEAN_BYTES_LIMIT * count:
        return f"the names of {count:,} labeled images take {size:,} bytes, and {MEAN_BYTES_LIMIT:,} each are allowed"
    return None


def read_names(member: Member, count: int) -> tuple[str, ...]:
    """The names in the file; memory is only taken after its checksum and its number of lines are right.

    Args:
        member: the file.
        count: how many labeled images there are.
    Raises:
        ModelError: the file is damaged, or holds another number of names.
    """
    problem = size_problem(member.size, count)
    if problem is None and (lines := sum(piece.count(b"\n") for piece in member.pieces())) != count:
        problem = f"it has {lines:,} lines for {count:,} labeled images"
    data = b"" if problem else member.read()
    if problem is None and not LINES.fullmatch(data):
        problem = "not each of its lines is one JSON string"
    try:
        names = json.loads(b"[" + data[:-1].replace(b"\n", b",") + b"]") if problem is None else []
    except ValueError as error:
        problem = str(error)
    if problem:
        raise ModelError(f"{member.path} is damaged: {problem}. {AGAIN}")
    return tuple(names)
