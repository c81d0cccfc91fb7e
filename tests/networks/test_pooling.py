"""A pool, and the convolution in its place."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ilk.networks.pooling import max_pool


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 2, 0), (3, 2, 1), (2, 2, 0)])
@pytest.mark.parametrize("side", [12, 13, 27])
def test_a_strided_convolution_leaves_the_pool_s_size(kernel: int, stride: int, padding: int, side: int) -> None:
    maps = torch.randn(1, 4, side, side, generator=torch.Generator().manual_seed(0))
    pooled = max_pool(4, kernel, stride, padding, strided=False)(maps)
    learned = max_pool(4, kernel, stride, padding, strided=True)(maps)
    assert pooled.shape == learned.shape
    assert learned.min() == 0  # rectified


def test_rounding_up_covers_the_last_row_and_column() -> None:
    maps = torch.zeros(1, 1, 54, 54)
    maps[..., -1, -1] = 1
    assert max_pool(1, 3, 2, strided=False)(maps).shape == (1, 1, 26, 26)
    assert max_pool(1, 3, 2, strided=False)(maps).max() == 0
    rounded = max_pool(1, 3, 2, strided=False, round_up=True)(maps)
    assert rounded.shape == (1, 1, 27, 27)
    assert rounded[..., -1, -1] == 1
    learned = max_pool(1, 3, 2, strided=True, round_up=True)
    assert isinstance(learned, nn.Sequential)
    nn.init.ones_(learned.conv.weight)
    nn.init.zeros_(learned.conv.bias)
    assert learned(maps).shape == (1, 1, 27, 27)
    assert learned(maps)[..., -1, -1] == 1
