"""The embedding as ONNX gives PyTorch's points, from the same uint8 pixels, for any batch."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch

from ilk.errors import UsageError
from ilk.model import onnx as onnx_file
from ilk.model.onnx import INPUT, NEEDED, OUTPUT, embed_by_onnx, require_onnx, to_onnx
from ilk.neighbors import NeighborIndex
from ilk.networks import build, embed

ABSENT = [name for name in NEEDED if importlib.util.find_spec(name) is None]
needs_onnx = pytest.mark.skipif(bool(ABSENT), reason=f'{", ".join(ABSENT)} absent: pip install "ilk[onnx]"')
TABLE_3 = [("neighbor-mnist", 1, 28), ("neighbor-cifar", 3, 32)]


def settled(name: str, channels: int, side: int, dim: int | None = None) -> torch.nn.Module:
    """A network whose running means are not those of its birth, kept as a loaded model is."""
    network = build(name, channels=channels, dim=dim, seed=3)
    network(torch.randn(32, channels, side, side, generator=torch.Generator().manual_seed(4)))
    return network.eval().to(memory_format=torch.channels_last)


def drawn(count: int, channels: int, side: int) -> np.ndarray:
    """Half noise, half smooth: blocks of 4 by 4 pixels."""
    generator = np.random.default_rng(count)
    images = generator.integers(0, 256, (count, channels, side, side), dtype=np.uint8)
    images[::2] = np.repeat(np.repeat(images[::2, :, ::4, ::4], 4, axis=2), 4, axis=3)[:, :, :side, :side]
    return images


@needs_onnx
@pytest.mark.parametrize(("name", "channels", "side"), TABLE_3)
@pytest.mark.parametrize("count", [100, pytest.param(1_000, marks=pytest.mark.slow)])
def test_parity_with_pytorch(name: str, channels: int, side: int, count: int) -> None:
    network, images = settled(name, channels, side), drawn(count, channels, side)
    labeled = embed(network, drawn(50, channels, side))
    expected, found = embed(network, images), embed_by_onnx(to_onnx(network, channels, (side, side)), images)
    assert found.dtype == np.float32
    rms = float(np.sqrt(np.mean(expected.astype(np.float64) ** 2)))
    assert np.abs(found - expected).max() <= 1e-4 * rms
    distances, nearest = NeighborIndex(labeled).search(expected, 2)
    _, again = NeighborIndex(labeled).search(found, 1)
    clear = distances[:, 1] - distances[:, 0] >= 1e-4 * rms
    assert clear.mean() > 0.9
    assert (nearest[clear, 0] == again[clear, 0]).all()


@needs_onnx
def test_what_the_file_says_of_itself() -> None:
    import onnx

    network = settled("neighbor-mnist", 3, 12, dim=7)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    data = to_onnx(network, 3, (12, 10))
    assert data == to_onnx(network, 3, (12, 10))
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model, full_check=True)
    (taken,), (given,) = model.graph.input, model.graph.output
    assert (taken.name, given.name) == (INPUT, OUTPUT)
    assert taken.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    sides = [axis.dim_param or axis.dim_value for axis in taken.type.tensor_type.shape.dim]
    assert sides == ["batch", 3, 12, 10]
    for word in (b".py", b"stack_trace", b"site-packages", b"/home", b"Traceback"):
        assert word not in data


@needs_onnx
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_any_batch_gives_the_same_points(batch: int) -> None:
    network, images = settled("neighbor-mnist", 1, 28), drawn(5, 1, 28)
    data = to_onnx(network, 1, (28, 28))
    np.testing.assert_allclose(embed_by_onnx(data, images, batch), embed(network, images), rtol=0, atol=1e-5)


@pytest.mark.parametrize("absent", NEEDED)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, absent: str) -> None:
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None if name == absent else object())
    with pytest.raises(UsageError, match=rf'ONNX needs {absent}, .*pip install "ilk\[onnx\]"'):
        require_onnx()
