"""Receptive fields against the support of the gradient, against published figures, and against a plain loop."""

from __future__ import annotations

import jaxtyping
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from ilk.errors import UsageError
from ilk.insight import ReceptiveField, receptive_fields
from ilk.networks import NETWORKS, outline, own_channels
from tests.insight.reach import Positive, averaged, convolved, reached

UNITS = (0.0, 0.5, 1.0)
"""Which units of a layer are judged, along its diagonal: the first, the middle and the last."""


@pytest.fixture(autouse=True)
def _untyped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # what is traced has no shape


def disagreements(network: nn.Module, channels: int, size: tuple[int, int], layers: set[str] | None = None) -> list:
    """The units whose field is not the support of the gradient."""
    known = receptive_fields(network, channels=channels, size=size)
    image = torch.ones(1, channels, *size, dtype=torch.float64, requires_grad=True)
    judge = Positive(network)
    judge.run(image)
    found = []
    for name in layers or set(judge.outputs) & set(known):
        output = judge.outputs[name]
        for part in UNITS:
            unit = tuple(round(part * (length - 1)) for length in output.shape[1:])
            said, true = known[name].patch(*unit), reached(image, output, unit)
            if said != true:
                found.append((name, unit, said, true))
    return found


def judged(name: str, upright: bool, most: int | None) -> list:
    """The disagreements on a strip as long as the paper's images: of every conv layer, or of `most` along the depth."""
    network, channels = outline(name), own_channels(name)
    least, long = max(32, network.smallest), network.paper_size
    convs = [path for path, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    assert convs
    every = 1 if most is None else -(-len(convs) // most)
    chosen = set(convs[(every // 2 if upright else 0) :: every])
    return disagreements(network, channels, (long, least) if upright else (least, long), chosen)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("upright", [True, False])
def test_networks_see_the_support_of_their_gradient(name: str, upright: bool) -> None:
    assert judged(name, upright, most=3) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("upright", [True, False])
def test_every_convolution_of_every_network_sees_the_support_of_its_gradient(name: str, upright: bool) -> None:
    assert judged(name, upright, most=None) == []


def inside(layer: ReceptiveField, size: int) -> int:
    """Checks that a unit whose whole field lies in the image sees it all; gives the number of such units."""
    count, length = 0, layer.field.shape[2]
    for unit in {round(length * part / 16) for part in range(16)}:
        start = [layer.offset[axis] + unit * (layer.stride[axis] or 0) for axis in range(2)]
        end = [start[axis] + layer.size[axis] for axis in range(2)]
        if min(start) >= 0 and max(end) <= size:
            count += 1
            assert sorted(map(str, every_channel(layer, unit))) == [str((*start, *end))]
    return count


def every_channel(layer: ReceptiveField, unit: int) -> set:
    """The union over all channels of what the units at one place see."""
    patches = [layer.patch(channel, unit, unit) for channel in range(layer.field.shape[1])]
    low = [min(patch[side] for patch in patches if patch) for side in (0, 1)]
    high = [max(patch[side] for patch in patches if patch) for side in (2, 3)]
    return {(*low, *high)}


@pytest.mark.parametrize("name", ["alexnet", "googlenet", "resnet-18", "neighbor-cifar"])
def test_size_stride_and_offset_say_where_each_unit_looks(name: str) -> None:
    size = 1000
    known = receptive_fields(outline(name), channels=own_channels(name), size=(size, size))
    maps = [layer for layer in known.values() if len(layer.field.shape) == 4 and layer.stride[0]]
    assert sum(inside(layer, size) > 0 for layer in maps[::3]) > 3


PUBLISHED = {"alexnet": 195, "vgg-16": 212, "inception-v4": 2071}
"""Pixels that the last map before the classifier sees: Araujo, Norris & Sim 2019, table of TensorFlow's networks."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_figures(name: str) -> None:
    known = receptive_fields(outline(name), channels=3, size=(299, 299))
    maps = [layer for layer in known.values() if len(layer.field.shape) == 4]
    before_the_last_pool = [layer.size for layer in maps if layer.stride[0] in (16, 32) and layer.field.shape[2] > 6]
    assert max(before_the_last_pool) == (PUBLISHED[name], PUBLISHED[name])


class Branches(nn.Module):
    """Branches of several widths, joined, split again and taken apart by groups."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, (1, 7), stride=2, padding=(0, 2))
        self.wide = nn.Conv2d(6, 4, 5, dilation=2, padding=4)
        self.narrow = nn.Conv2d(6, 4, 1)
        self.apart = nn.Conv2d(8, 8, 3, padding="same", groups=2)
        self.around = nn.LocalResponseNorm(3)
        self.after = nn.Conv2d(4, 2, (2, 3), padding="same")
        self.other = nn.Conv2d(4, 2, 3, padding=1)
        self.pool = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
        self.uneven = nn.AdaptiveMaxPool2d((3, 5))
        self.head = nn.Linear(2 * 15, 3)

    def forward(self, images: Tensor) -> Tensor:
        maps = functional.pad(functional.relu(self.stem(images)), (3, 0, 0, 1))
        both = torch.cat([self.wide(maps), self.narrow(maps)], dim=1)
        first, second = self.apart(self.around(both)).chunk(2, 1)
        maps = self.after(first * 0.5 + second)
        maps = self.pool(maps.pow(2).sqrt() + self.other(second))
        maps = self.uneven(maps)
        return functional.normalize(self.head(maps.view(maps.size(0), -1)), dim=1)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")  # a matter of speed
def test_branches_groups_splits_and_uneven_pools() -> None:
    assert disagreements(Branches(), 3, (40, 55)) == []
    known = receptive_fields(Branches(), channels=3, size=(40, 55))
    apart = known["apart"]
    # Stem 1×7/2; the first group sees through the wide branch as well, the second only through the narrow one.
    assert (apart.size, apart.stride) == ((1 + 2 * 10, 7 + 2 * 10), (2, 2))
    assert apart.least_size == (1 + 2 * 2, 7 + 2 * 2)
    assert known["uneven"].stride == (None, None)


class Shortcut(nn.Module):
    """A residual block: the shortest way round it is not to go through it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 2, 3, padding=1)
        self.conv2 = nn.Conv2d(2, 2, 3, padding=1)
        self.after = nn.Conv2d(2, 2, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.after(self.conv2(self.conv1(images).relu()) + images).mean((2, 3))


def test_the_narrowest_path_goes_by_the_shortcut() -> None:
    known = receptive_fields(Shortcut(), channels=2, size=(9, 9))
    assert (known["add"].size, known["add"].least_size) == ((5, 5), (1, 1))
    assert (known["add"].offset, known["add"].least_offset) == ((-2, -2), (0, 0))
    assert (known["after"].size, known["after"].least_size) == ((7, 7), (3, 3))
    assert known["mean"].patch(0) == (0, 0, 9, 9)
    assert disagreements(Shortcut(), 2, (9, 9)) == []


def test_what_padding_cuts_off_can_leave_pixels_that_no_unit_sees() -> None:
    # The pool's three units see 7 of 8 pixels; the convolution's padding must not bring the eighth back.
    network = nn.Sequential(nn.MaxPool2d(3, 2), nn.Conv2d(1, 1, 3, padding=1))
    last = receptive_fields(network, channels=1, size=(8, 8))["1"]
    assert last.patch(0, 2, 2) == (2, 2, 7, 7)
    assert (last.size, last.offset, last.stride) == ((7, 7), (-2, -2), (2, 2))
    alone = nn.Conv2d(1, 1, 1, padding=1)
    assert receptive_fields(nn.Sequential(alone), channels=1, size=(4, 4))["0"].patch(0, 0, 0) is None


class Askew(nn.Module):
    """A branch whose first columns see padding alone, though its rows would look further down than the other's."""

    def __init__(self) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Conv2d(1, 1, (3, 1), (1, 3), padding=1), nn.Conv2d(1, 1, (3, 1), (1, 3)))
        self.meet1, self.meet2 = nn.AdaptiveAvgPool2d((5, 4)), nn.AdaptiveAvgPool2d((5, 4))
        self.last = nn.Conv2d(2, 2, 3, padding=1)
        self.outside = nn.Conv2d(2, 1, 1, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        both = torch.cat([self.meet1(images), self.meet2(self.branch(images))], 1)
        return self.outside(self.last(both))


def test_a_unit_beside_the_image_sees_no_row_of_it() -> None:
    assert disagreements(Askew(), 1, (33, 13)) == []
    known = receptive_fields(Askew(), channels=1, size=(33, 13))
    assert known["branch.1"].patch(0, 0, 0) is None
    assert known["branch.1"].size == (5, 1)
    assert known["outside"].size[0] < 40


LAYER = st.tuples(
    st.sampled_from(["conv", "max", "average"]),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.tuples(st.integers(1, 2), st.integers(1, 3)),
    st.integers(0, 2),
    st.integers(1, 2),
)


def made(kind: str, kernel: tuple[int, int], stride: tuple[int, int], padding: int, dilation: int) -> nn.Module:
    padding = padding if kind == "conv" else min(padding, min(kernel) // 2)
    if kind == "conv":
        return nn.Conv2d(2, 2, kernel, stride, padding, dilation)
    if kind == "max":
        return nn.MaxPool2d(kernel, stride, padding, dilation)
    return nn.AvgPool2d(kernel, stride, padding)


class Random(nn.Module):
    """Two chains side by side after a first one, joined by a sum or side by side at the smaller size, and a last."""

    def __init__(self, chains: list[list[tuple]], added: bool) -> None:
        super().__init__()
        self.chains = nn.ModuleList(nn.Sequential(*(made(*layer) for layer in chain)) for chain in chains)
        self.meet1, self.meet2 = nn.AdaptiveAvgPool2d((5, 4)), nn.AdaptiveAvgPool2d((5, 4))
        self.added = added
        self.last = nn.Conv2d(2 if added else 4, 2, 3, padding=1)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.chains[0](images)
        first, second = self.meet1(self.chains[1](maps)), self.meet2(self.chains[2](maps))
        return self.last(first + second if self.added else torch.cat([first, second], 1))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(LAYER, max_size=3), min_size=3, max_size=3), st.booleans())
def test_random_graphs(chains: list[list[tuple]], added: bool) -> None:
    network = Random(chains, added)
    try:
        network(torch.zeros(1, 2, 33, 38))
    except RuntimeError:  # a kernel larger than its map
        with pytest.raises(UsageError, match="33×38"):
            receptive_fields(network, channels=2, size=(33, 38))
        return
    assert disagreements(network, 2, (33, 38)) == []


@settings(max_examples=25, deadline=None)
@given(st.lists(LAYER, min_size=1, max_size=6))
def test_a_chain_follows_the_textbook(layers: list[tuple]) -> None:
    size, jump, start = [1, 1], [1, 1], [0, 0]
    for kind, kernel, stride, asked, dilation in layers:
        padding = asked if kind == "conv" else min(asked, min(kernel) // 2)
        for axis in range(2):
            size[axis] += (kernel[axis] - 1) * (1 if kind == "average" else dilation) * jump[axis]
            start[axis] -= padding * jump[axis]
            jump[axis] *= stride[axis]
    network = nn.Sequential(*(made(*layer) for layer in layers))
    side = max(size) * 2 + 40
    last = receptive_fields(network, channels=2, size=(side, side))[str(len(layers) - 1)]
    assert (list(last.size), list(last.stride), list(last.offset)) == (size, jump, start)
    assert (last.least_size, last.least_offset) == (last.size, last.offset)


class Doubling(nn.Module):
    """A step of an unknown kind."""

    def forward(self, images: Tensor) -> Tensor:
        return functional.interpolate(images, scale_factor=2)


class Deciding(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images if images.sum() > 0 else -images


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Doubling(), "interpolate.*Known: .*conv.*max pool"),
        (nn.Sequential(nn.ConvTranspose2d(1, 1, 2)), "0 is of a kind .*ConvTranspose2d"),
        (nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular")), "0 pads by 'circular'"),
        (nn.Sequential(nn.MaxPool2d(2, return_indices=True)), "0 returns positions"),
        (Deciding(), "Deciding cannot be traced.*no decisions"),
        (nn.Sequential(nn.Conv2d(1, 1, 9)), "0: its kernel is larger.*4×4 pixels with 1 channels"),
        (nn.Sequential(nn.MaxPool2d(5)), "0: .*4×4 pixels.*`size`"),
        (nn.Sequential(nn.Flatten(0)), "0 mixes the images of a batch"),
        (nn.Sequential(nn.Conv2d(3, 1, 1)), "0: its weights are for 3 channels, not 1"),
    ],
)
def test_what_is_not_known_is_refused_by_name(network: nn.Module, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        receptive_fields(network, channels=1, size=(4, 4))


def test_a_network_is_left_as_it_is() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    receptive_fields(network, channels=1, size=(5, 5))
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_unit_that_is_not_there_is_refused() -> None:
    layer = receptive_fields(nn.Sequential(nn.Conv2d(1, 2, 3)), channels=1, size=(5, 6))["0"]
    assert layer.patch(1, 2, 3) == (2, 3, 5, 6)
    for unit in ((0, 3, 0), (0, 0), (-1, 0, 0)):
        with pytest.raises(UsageError, match="no unit"):
            layer.patch(*unit)


def test_the_judge_itself_is_a_network_of_equal_weights() -> None:
    images = torch.rand(1, 6, 9, 8, generator=torch.Generator().manual_seed(0))
    conv = nn.Conv2d(6, 4, (3, 2), 2, 1, groups=2, bias=False)
    nn.init.constant_(conv.weight, 1 / (3 * 3 * 2))
    torch.testing.assert_close(convolved(images, conv), conv(images))
    pool = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
    ones = functional.max_pool2d(torch.ones_like(images), 3, 2, 1, ceil_mode=True)
    assert averaged(images, pool).shape == ones.shape
    torch.testing.assert_close(averaged(images, pool)[0, 0, 1, 1], images[0, 0, 1:4, 1:4].mean())
