"""What an image file must be like before it is decoded: pixels that fit their checksums, and no endless work."""

from __future__ import annotations

import io
import zlib

from PIL.Image import Image

MOST_SCANS = 100
"""A progressive JPEG has about ten; each costs as much time as the whole picture."""

_PIECE = 2**20

Stream = io.BytesIO | io.BufferedReader


class UndecodableError(Exception):
    """An image that cannot be used; its text is the reason. It never leaves `ilk.data`."""


def require_checksums(stream: Stream) -> None:
    """Refuse a PNG whose pixels do not fit their checksums: Pillow shows black where a download stopped halfway."""
    place = stream.tell()
    stream.seek(8)
    while len(head := stream.read(8)) == 8 and head[4:] != b"IEND":
        left = int.from_bytes(head[:4], "big")
        if head[4:] != b"IDAT":
            stream.seek(left + 4, io.SEEK_CUR)
            continue
        found = zlib.crc32(head[4:])
        while left and (content := stream.read(min(left, _PIECE))):
            found, left = zlib.crc32(content, found), left - len(content)
        checksum = stream.read(4)
        if len(checksum) == 4 and found != int.from_bytes(checksum, "big"):
            raise UndecodableError("it is damaged: its pixels do not fit their checksum")
    stream.seek(place)


def require_few_scans(stream: Stream, image: Image) -> None:
    """Refuse a JPEG that paints its picture over and over: half a megabyte of them would take half a minute.

    A picture that comes in several scans without being progressive is marked as progressive in `image.info`, because it
    takes the same memory.
    """
    place = stream.tell()
    if not image.info.get("progressive") and _in_one_scan(stream, len(image.getbands())):
        stream.seek(place)
        return
    stream.seek(0)
    scans, last = 0, b""
    while piece := stream.read(_PIECE):
        scans, last = scans + (last + piece).count(b"\xff\xda"), piece[-1:]
    stream.seek(place)
    if scans > MOST_SCANS:
        raise UndecodableError(f"it is a JPEG of {scans:,} scans, where {MOST_SCANS} are allowed; save it anew")
    image.info["progressive"] = 1


def _in_one_scan(stream: Stream, bands: int) -> bool:
    """Whether the first scan of a JPEG holds all its bands."""
    stream.seek(2)
    while len(head := stream.read(4)) == 4 and head[0] == 0xFF and head[1] not in (0xFF, 0xDA):
        stream.seek(int.from_bytes(head[2:], "big") - 2, io.SEEK_CUR)
    return head[:2] == b"\xff\xda" and stream.read(1) == bytes([bands])
