"""Data is read and checked without torch, which takes a second to import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ilk.data
import ilk.shapes
from ilk.shapes import tensors

ROOT = Path(__file__).resolve().parents[2]
CHECK = "import sys; sys.modules['torch'] = None; from ilk.cli import main; sys.exit(main(['check', *sys.argv[1:]]))"


def test_a_folder_is_checked_where_torch_cannot_be_imported(tmp_path: Path) -> None:
    for name in ("a/1.png", "a/2.png", "b/1.png", "b/2.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((8, 8), len(name), dtype=np.uint8)).save(path)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHECK, str(tmp_path), "--debug"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "4 found = 4 used + 0 skipped" in done.stdout


@pytest.mark.parametrize("module", [ilk.data, ilk.shapes])
def test_what_is_loaded_late_is_there_all_the_same(module: object) -> None:
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = module.Nothing


def test_every_kind_of_tensor_can_be_had_from_the_one_vocabulary() -> None:
    kinds = {name for name in vars(tensors) if name[0].isupper()} - {"Bool", "Float", "Int64", "Tensor"}
    assert kinds == set(ilk.shapes.__all__) - {"EVIDENCE", "Pixels", "Targets", "Vectors"}
