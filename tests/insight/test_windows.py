"""Windows along one axis, written out by hand as PyTorch places them."""

from __future__ import annotations

import pytest
from torch import nn

from ilk.errors import UsageError
from ilk.insight.trace import trace
from ilk.insight.windows import output_size, windows_of


def test_the_taps_of_a_strided_dilated_convolution() -> None:
    (conv,) = trace(nn.Sequential(nn.Conv2d(1, 1, (3, 1), stride=2, padding=(1, 0), dilation=(2, 1))), (1, 1, 7, 4))
    down, across = windows_of(conv)

    assert down.taps.tolist() == [[-1, 1, 3], [1, 3, 5], [3, 5, 7]]
    assert down.real.tolist() == [[False, True, True], [True, True, True], [True, True, False]]
    assert across.taps.tolist() == [[0], [2]]
    assert (down.stride, across.stride) == (2, 2)
    assert output_size(conv) == (3, 2)


def test_uneven_adaptive_windows_overlap_and_have_no_stride() -> None:
    (pool,) = trace(nn.Sequential(nn.AdaptiveAvgPool2d((2, 3))), (1, 1, 5, 6))
    down, across = windows_of(pool)

    assert down.taps[down.real].tolist() == [0, 1, 2, 2, 3, 4]
    assert (down.stride, across.stride) == (None, 2)


def test_mirrored_padding_has_no_plain_windows() -> None:
    (step,) = trace(nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")), (1, 1, 8, 8))
    with pytest.raises(UsageError, match="pads by 'reflect'"):
        windows_of(step)
