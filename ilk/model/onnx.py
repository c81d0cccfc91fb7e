"""The embedding as an ONNX file, preprocessing inside, for programs without torch; needs the extra `onnx`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ilk.errors import ModelError, UsageError
from ilk.networks import as_input
from ilk.shapes import Embeddings, Pixels, Vectors

NEEDED = ("onnx", "onnxscript", "onnxruntime")
INPUT, OUTPUT = "images", "embedding"


class FromPixels(nn.Module):
    """A network together with the preprocessing in front of it.

    Args:
        network: images as a network sees them to points.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Embeddings:
        """Images (batch, channels, height, width), uint8, to points (batch, dim)."""
        # Else the memory format would become nodes of the graph.
        return self.network(as_input(images).contiguous())


def require_onnx() -> None:
    """Refuse where the packages of the extra are absent.

    Raises:
        UsageError: names those that are missing, and how to install them.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise UsageError(f'ONNX needs {", ".join(missing)}, absent here. Install by: pip install "ilk[onnx]"')


def to_onnx(network: nn.Module, channels: int, size: tuple[int, int]) -> bytes:
    """The network as an ONNX model: "images", uint8 (batch, channels, height, width), to "embedding" (batch, dim).

    Args:
        network: in evaluation mode, on any device; left as it is.
        channels: 1 (gray) or 3 (RGB).
        size: (height, width) of the images that it takes, in pixels.
    Raises:
        UsageError: the extra is absent.
        ModelError: the network cannot be written as ONNX.
    """
    require_onnx()
    whole = FromPixels(deepcopy(network).cpu().to(memory_format=torch.contiguous_format)).eval()  # type: ignore[call-overload]
    example = torch.zeros(2, channels, *size, dtype=torch.uint8)  # a batch of 1 would be taken for a constant
    try:
        with _quiet():
            program: Any = torch.onnx.export(
                whole,
                (example,),
                dynamo=True,
                verbose=False,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise ModelError(f"The network cannot be written as ONNX: {str(error).splitlines()[0]}") from error
    return _bare(program.model_proto).SerializeToString(deterministic=True)


def embed_by_onnx(data: bytes, pixels: Pixels, batch: int = 64) -> Vectors:
    """The points of images by an ONNX file of `to_onnx()`, computed by onnxruntime on the CPU.

    Args:
        data: the file.
        pixels: shape (images, channels, height, width), uint8.
        batch: images at a time.
    Returns:
        shape (images, dim), float32.
    """
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    starts = range(0, len(pixels), batch)
    return np.concatenate([session.run([OUTPUT], {INPUT: pixels[at : at + batch]})[0] for at in starts])


@contextmanager
def _quiet() -> Iterator[None]:
    """Without PyTorch's remarks to its own developers."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _bare(model: Any) -> Any:
    """The same model without the paths and lines of the program that wrote it."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer, *graph.value_info):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    model.producer_name, model.producer_version = "ilk", ""
    return model
