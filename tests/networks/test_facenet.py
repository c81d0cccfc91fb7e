"""Tables 1 and 2 of the FaceNet paper: sizes of the maps, parameters of each row, L2 pooling, maxout, unit length."""

from __future__ import annotations

import math

import pytest
import torch
from jaxtyping import config as jaxtyping_config
from torch import Tensor, nn

from ilk.networks.facenet import FaceNetNN1, FaceNetNN2, L2Pool, Maxout, UnitLength

# Row: (maps, side, parameters), as printed.
TABLE_1 = {
    "conv1": (64, 110, "9K"),
    "pool1": (64, 55, "0"),
    "rnorm1": (64, 55, "0"),
    "conv2.reduce": (64, 55, "4K"),
    "conv2.conv": (192, 55, "111K"),
    "rnorm2": (192, 55, "0"),
    "pool2": (192, 28, "0"),
    "conv3.reduce": (192, 28, "37K"),
    "conv3.conv": (384, 28, "664K"),
    "pool3": (384, 14, "0"),
    "conv4.reduce": (384, 14, "148K"),
    "conv4.conv": (256, 14, "885K"),
    "conv5.reduce": (256, 14, "66K"),
    "conv5.conv": (256, 14, "590K"),
    "conv6.reduce": (256, 14, "66K"),
    "conv6.conv": (256, 14, "590K"),
    "pool4": (256, 7, "0"),
    "fc1": (32 * 128, None, "103M"),
    "fc2": (32 * 128, None, "34M"),
    "fc7128": (128, None, "524K"),
    "unit_length": (128, None, "0"),
}
TABLE_2 = {
    "conv1": (64, 112, "9K"),
    "pool1": (64, 56, "0"),
    "norm1": (64, 56, "0"),
    "inception_2": (192, 56, "115K"),
    "norm2": (192, 56, "0"),
    "pool2": (192, 28, "0"),
    "inception_3a": (256, 28, "164K"),
    "inception_3b": (320, 28, "228K"),
    "inception_3c": (640, 14, "398K"),
    "inception_4a": (640, 14, "545K"),
    "inception_4b": (640, 14, "595K"),
    "inception_4c": (640, 14, "654K"),
    "inception_4d": (640, 14, "722K"),
    "inception_4e": (1024, 7, "717K"),
    "inception_5a": (1024, 7, "1.6M"),
    "inception_5b": (1024, 7, "1.6M"),
    "average": (1024, 1, "0"),
    "embedding": (128, None, "131K"),
    "unit_length": (128, None, "0"),
}
L2_MODULES = ["3b", "4a", "4b", "4c", "4d", "5a"]

FaceNet = FaceNetNN1 | FaceNetNN2


@pytest.fixture(scope="module")
def networks() -> dict[str, FaceNet]:
    """One of each, at rest: the first holds 140 million numbers."""
    return {"nn1": FaceNetNN1().eval(), "nn2": FaceNetNN2().eval()}


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def printed(params: str) -> tuple[float, float]:
    """The number that the paper prints, such as 1.6M, and what one unit of its last digit is worth."""
    number, unit = params.rstrip("KM"), {"K": 1e3, "M": 1e6}.get(params[-1], 1.0)
    return float(number) * unit, unit / 10 ** len(number.partition(".")[2])


def sizes(network: nn.Module, rows: dict, size: int) -> dict[str, tuple[int, int | None]]:
    """(maps, side) that each row gives for one image; no side where there is no map."""
    seen: dict[str, tuple[int, int | None]] = {}
    hooks = [
        network.get_submodule(row).register_forward_hook(
            lambda _, __, out, row=row: seen.update({row: (out.shape[1], out.shape[-1] if out.ndim == 4 else None)})
        )
        for row in rows
    ]
    with torch.no_grad():
        network(noise(1, 3, size, size))
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize(("name", "table", "total"), [("nn1", TABLE_1, 140e6), ("nn2", TABLE_2, 7.5e6)])
def test_maps_and_parameters_as_in_the_tables(
    networks: dict[str, FaceNet], name: str, table: dict[str, tuple[int, int | None, str]], total: float
) -> None:
    network = networks[name]
    assert sizes(network, table, network.paper_size) == {row: (maps, side) for row, (maps, side, _) in table.items()}
    for row, (_, _, params) in table.items():
        value, digit = printed(params)
        assert parameters(network.get_submodule(row)) == pytest.approx(value, rel=0, abs=0.55 * digit), row
    assert parameters(network) == pytest.approx(total, rel=0.006)


def test_parameter_counts(networks: dict[str, FaceNet]) -> None:
    assert parameters(networks["nn1"]) == 140_025_664
    assert parameters(networks["nn2"]) == 7_456_304


def test_where_table_2_pools_by_l2(networks: dict[str, FaceNet]) -> None:
    modules = {name: part for name, part in networks["nn2"].named_children() if name.startswith("inception_")}
    assert [name[-2:] for name, part in modules.items() if any(isinstance(m, L2Pool) for m in part.modules())] == (
        L2_MODULES
    )


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_l2_pool_is_the_root_of_the_mean_square(scale: float) -> None:
    maps = scale * noise(1, 2, 4, 5)
    pooled = L2Pool()(maps)
    assert pooled.shape == maps.shape
    for channel in range(2):
        for y in range(4):
            for x in range(5):
                window = [
                    maps[0, channel, row, column].item() if 0 <= row < 4 and 0 <= column < 5 else 0.0
                    for row in range(y - 1, y + 2)
                    for column in range(x - 1, x + 2)
                ]
                expected = math.sqrt(sum(value**2 for value in window) / 9)
                assert pooled[0, channel, y, x].item() == pytest.approx(expected, rel=1e-5)


def test_l2_pool_of_a_dead_map_has_a_finite_gradient() -> None:
    maps = torch.zeros(1, 1, 5, 5, requires_grad=True)
    pooled = L2Pool()(maps)
    pooled.sum().backward()
    assert pooled.max() <= 1e-5
    assert maps.grad is not None
    assert maps.grad.isfinite().all()


@pytest.mark.parametrize("pieces", [1, 2, 3])
def test_maxout_is_the_largest_of_its_linear_pieces(pieces: int) -> None:
    layer, points = Maxout(4, 5, pieces), noise(6, 4)
    rows = zip(layer.linear.weight, layer.linear.bias, strict=True)
    values = [[(row @ point + shift).item() for point in points] for row, shift in rows]
    expected = [[max(values[pieces * o + p][b] for p in range(pieces)) for o in range(5)] for b in range(6)]
    torch.testing.assert_close(layer(points), torch.tensor(expected))


def test_unit_length_keeps_the_direction_and_survives_zero() -> None:
    points = torch.tensor([[3.0, 4.0], [0.0, 0.0], [-1e4, 0.0]], requires_grad=True)
    unit = UnitLength()(points)
    torch.testing.assert_close(unit, torch.tensor([[0.6, 0.8], [0.0, 0.0], [-1.0, 0.0]]))
    unit.sum().backward()
    assert points.grad is not None
    assert points.grad.isfinite().all()


@pytest.mark.parametrize("name", ["nn1", "nn2"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (40, 33)])
def test_points_of_length_1_at_any_size(networks: dict[str, FaceNet], name: str, height: int, width: int) -> None:
    with torch.no_grad():
        points = networks[name](noise(2, 3, height, width))
    assert points.shape == (2, 128)
    torch.testing.assert_close(points.norm(dim=1), torch.ones(2))


@pytest.mark.parametrize("name", ["nn1", "nn2"])
def test_an_image_has_the_same_point_in_any_company(networks: dict[str, FaceNet], name: str) -> None:
    images = noise(3, 3, 64, 64)
    with torch.no_grad():
        together, alone = networks[name](images), networks[name](images[1:2])
    torch.testing.assert_close(together[1:2], alone, rtol=1e-4, atol=1e-5)
    assert (together[0] - together[1]).norm() > 1e-3


@pytest.mark.parametrize("name", ["nn1", "nn2"])
def test_an_image_without_pixels_is_refused(networks: dict[str, FaceNet], name: str) -> None:
    least = networks[name].smallest
    with pytest.raises(RuntimeError):
        networks[name](torch.zeros(1, 3, least - 1, least - 1))


def test_at_the_papers_size_the_resize_before_the_maxout_layers_is_the_identity(networks: dict[str, FaceNet]) -> None:
    maps = noise(1, 256, 7, 7)
    assert torch.equal(networks["nn1"].resize(maps), maps)


@pytest.mark.parametrize(("network_class", "strided"), [(FaceNetNN1, True), (FaceNetNN2, False), (FaceNetNN2, True)])
def test_gradients_reach_every_parameter(network_class: type[FaceNet], strided: bool) -> None:
    network = network_class(1, 5, strided=strided)
    points = network(noise(2, 1, 64, 64))
    assert points.shape == (2, 5)
    points[:, 0].sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_strided_convolutions_give_the_same_maps_as_the_pools(networks: dict[str, FaceNet]) -> None:
    strided = FaceNetNN2(strided=True).eval()
    assert sizes(strided, TABLE_2, 96) == sizes(networks["nn2"], TABLE_2, 96)
    pools = [layer for layer in strided.modules() if isinstance(layer, nn.MaxPool2d)]
    assert [pool.stride for pool in pools] == [1, 1]  # in 3a and 5b


@pytest.mark.parametrize("name", ["nn1", "nn2"])
def test_torch_fx_traces_it_layer_by_layer(
    networks: dict[str, FaceNet], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaxtyping_config, "jaxtyping_disable", True)
    traced, images = torch.fx.symbolic_trace(networks[name]), noise(1, 3, 40, 40)
    with torch.no_grad():
        assert torch.equal(traced(images), networks[name](images))
    called = {node.target for node in traced.graph.nodes if node.op == "call_module"}
    expected = {"nn1": {"conv2.reduce", "fc1.linear"}, "nn2": {"inception_3b.branch_pool.pool.average"}}
    assert expected[name] <= called
