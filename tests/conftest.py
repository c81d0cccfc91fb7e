"""What every test shares: shapes checked at run time, the folder of real images, few threads."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# Before torch reads it: threads that wait by spinning starve one another where the cores are shared.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Before anything imports ilk: every annotated shape is then checked on every call.
install_import_hook("ilk", "beartype.beartype")

import torch  # noqa: E402  (after the hook, so that nothing can bring ilk in ahead of it)

torch.set_num_threads(2)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real image sets, or a skip that says how to name it."""
    folder = (ROOT / os.environ.get("ILK_DATA", "../shared/data")).resolve()
    if not folder.is_dir():
        pytest.skip(f"real data is absent: there is no folder {folder}; ILK_DATA names the one that holds mnist/")
    return folder
