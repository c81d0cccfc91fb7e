"""The points of images, and the outputs of a layer, as a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from ilk.errors import UsageError
from ilk.runs.embed import embed_images
from ilk.storage.tables import read_embeddings
from tests.finished_runs import Finished


@pytest.mark.parametrize(("layer", "dim"), [(None, 128), ("features.4", 32)])
def test_what_comes_back_says_what_was_written(finished: Finished, tmp_path: Path, layer: str | None, dim: int) -> None:
    found = embed_images(finished.run, finished.data, layer=layer, split="test", out=tmp_path / "e.parquet")
    table = read_embeddings(found.path)
    assert (found.path, found.images, found.dim, found.layer) == (tmp_path / "e.parquet", 24, dim, layer)
    assert table.vectors.shape == (24, dim)
    assert set(table.labels) == {"bar", "cross", "dot"}


def test_flat_is_about_a_layer(finished: Finished) -> None:
    with pytest.raises(UsageError, match="`flat`"):
        embed_images(finished.run, finished.data, flat=True)
