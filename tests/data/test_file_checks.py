"""JPEGs that are painted in several scans: a few are let through, very many are refused before they are decoded."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ilk.data.decoding import decode
from ilk.data.file_checks import MOST_SCANS, UndecodableError, require_few_scans
from tests.data.seeds import encoded, picture

PROGRESSIVE = encoded(Image.fromarray(picture()), "JPEG", progressive=True)
PLAIN = encoded(Image.fromarray(picture()), "JPEG")
SCANS = PROGRESSIVE.count(b"\xff\xda")


def with_scans(count: int) -> bytes:
    last = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
    return PROGRESSIVE[:-2] + last * (count - SCANS) + PROGRESSIVE[-2:]


def test_scans_are_counted() -> None:
    assert 5 < SCANS < 20
    assert decode(with_scans(MOST_SCANS), (24, 24)).shape == (3, 24, 24)
    with pytest.raises(UndecodableError, match="it is a JPEG of 101 scans, where 100 are allowed; save it anew"):
        decode(with_scans(MOST_SCANS + 1), (24, 24))


@pytest.mark.parametrize("before", [b"", b"\xff", b"\xff\xfe\x00\x04\xff\xda"])
def test_a_plain_jpeg_stays_plain_and_one_of_which_nothing_is_known_is_looked_through(before: bytes) -> None:
    data = PLAIN[:2] + before + PLAIN[2:]
    stream = io.BytesIO(data)
    with Image.open(stream) as image:
        place = stream.tell()
        require_few_scans(stream, image)
        assert stream.tell() == place
        # A byte of filling before a marker is allowed, and hides the scans from a quick look.
        assert ("progressive" in image.info) == (before == b"\xff")
    assert np.array_equal(decode(data, (24, 24)), decode(PLAIN, (24, 24)))


def test_a_picture_whose_first_scan_lacks_bands_counts_as_progressive() -> None:
    """Without being marked so, a JPEG may hold one scan for each band, and may repeat them for ever."""
    start = PLAIN.index(b"\xff\xda")
    one_band = PLAIN[:start] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + PLAIN[start + 14 :]
    for count in (1, MOST_SCANS + 1):
        data = one_band[:-2] + b"\xff\xda" * (count - 1) + one_band[-2:]
        with Image.open(io.BytesIO(data)) as image:
            if count == 1:
                require_few_scans(io.BytesIO(data), image)
                assert image.info["progressive"]
            else:
                with pytest.raises(UndecodableError, match="scans"):
                    require_few_scans(io.BytesIO(data), image)
