"""The number format in which a network trains."""

from __future__ import annotations

import torch


def resolve_precision(asked: str, device: torch.device) -> str:
    """The format that "auto" stands for on a device: "bfloat16" where it multiplies that natively, else "float32".

    In bfloat16 the convolutions and matrix products of a network take half the bytes and down to half the time. Weights
    and their averages, batch-norm's figures, distances and objectives stay in float32, and so does every answer.

    Args:
        asked: "auto", "float32" or "bfloat16"; the last works everywhere, but is slow where it must be emulated.
        device: of the training.
    """
    if asked != "auto":
        return asked
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()  # older versions do not say
        native = able.get("avx512_bf16", False) or able.get("amx_bf16", False)
    return "bfloat16" if native else "float32"
