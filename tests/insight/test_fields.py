"""Receptive fields as numbers: windows, groups and branches on a few pixels, by hand."""

from __future__ import annotations

import torch

from ilk.insight import fields
from ilk.insight.fields import NARROW, SEEN, WIDE, Field
from ilk.insight.windows import Windows


def intervals(field: Field, which: int, axis: int = 1) -> list[list[int]]:
    """Begin and end of each unit of the first channel's first row or column."""
    values = fields.expand_axis(field, axis)
    line = values[:, 0, 0] if axis == 1 else values[:, 0, :, 0]
    return line[[which, which + 3]].T.tolist()


def three_wide(length: int) -> Windows:
    """Windows of three taps, padded by one."""
    taps = torch.arange(length)[:, None] + torch.arange(-1, 2)
    return Windows(taps, (taps >= 0) & (taps < length), 1)


def test_each_pixel_sees_itself() -> None:
    image = fields.image_field(2, (1, 3))
    assert intervals(image, SEEN) == intervals(image, WIDE) == intervals(image, NARROW) == [[0, 1], [1, 2], [2, 3]]
    assert image.shape == (fields.ROWS, 2, 1, 3)


def test_padding_cuts_off_what_is_seen_and_not_the_window() -> None:
    image = fields.image_field(1, (3, 4))
    found = fields.apply_windows(image, (three_wide(3), three_wide(4)), image.shape)
    assert intervals(found, SEEN) == [[0, 2], [0, 3], [1, 4], [2, 4]]
    assert intervals(found, WIDE) == [[-1, 2], [0, 3], [1, 4], [2, 5]]
    assert found.strides == (1, 1)


def test_a_sum_sees_both_branches_and_its_narrowest_path_is_the_shortcut() -> None:
    image = fields.image_field(1, (3, 4))
    window = fields.apply_windows(image, (three_wide(3), three_wide(4)), image.shape)
    both = fields.broadcast_fields([image, window], image.shape)
    assert intervals(both, WIDE) == intervals(window, WIDE)
    assert intervals(both, NARROW) == intervals(image, WIDE)


def test_a_group_sees_its_own_channels_alone() -> None:
    image = fields.image_field(2, (1, 2))
    shifted = torch.cat([image.axes[1], image.axes[1] + 10], 1)  # the second channel looks ten pixels on
    field = Field((image.axes[0], shifted), (1, 1), image.shape)
    apart = fields.group_channels(field, groups=2, channels_out=4)
    values = fields.expand_axis(apart, 1)[SEEN, :, 0, 0]
    assert values.tolist() == [0, 0, 10, 10]
    together = fields.expand_axis(fields.group_channels(field, groups=1, channels_out=2), 1)
    assert together[[SEEN, SEEN + 3], 0, 0, 0].tolist() == [0, 11]
