"""A pool between convolutions, or the strided convolution that stands in for it."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def max_pool(
    maps: int, kernel: int, stride: int, padding: int = 0, *, strided: bool, round_up: bool = False
) -> nn.Module:
    """A max-pool; with `strided`, a convolution of the same kernel and stride on as many maps, then ReLU.

    Args:
        maps: channels in and out.
        kernel: side of the window in pixels.
        stride: pixels between two windows.
        padding: pixels on each side.
        strided: learn the pooling.
        round_up: let the last window hang over the edge (Caffe's arithmetic). A convolution cannot; it gets padding 1
            instead, which covers the same edge and never yields fewer pixels.
    Source:
        Springenberg et al. 2014, arXiv:1412.6806, section 2.
    """
    if not strided:
        return nn.MaxPool2d(kernel, stride, padding, ceil_mode=round_up)
    conv = nn.Conv2d(maps, maps, kernel, stride, padding=1 if round_up else padding)
    return nn.Sequential(OrderedDict(conv=conv, relu=nn.ReLU()))
