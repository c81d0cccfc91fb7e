"""`ilk search`: the nearest images of the run, as a plain search through the table of embeddings finds them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ilk.storage.tables import read_embeddings
from tests.cli.pictures import rows
from tests.finished_runs import Finished, Ilk


@pytest.mark.parametrize("folder", ["dot", "unlabeled"])
def test_the_order_is_that_of_a_plain_search(ilk: Ilk, finished: Finished, folder: str) -> None:
    image = sorted((finished.data / "train" / folder).iterdir())[2]
    table = read_embeddings(finished.run / "embeddings.parquet")
    own = table.names.index(image.relative_to(finished.data).as_posix())
    apart = np.sqrt(((table.vectors.astype(float) - table.vectors[own]) ** 2).sum(1))
    found = ilk("search", finished.run, image, "-k", 6, "--json").events
    assert [event["rank"] for event in found] == [1, 2, 3, 4, 5, 6]
    assert found[0]["filename"] == table.names[own]
    assert found[0]["distance"] == pytest.approx(0, abs=1e-2)
    assert [event["filename"] for event in found] == [table.names[i] for i in np.argsort(apart, kind="stable")[:6]]
    assert [event["distance"] for event in found] == pytest.approx(np.sort(apart)[:6].tolist(), rel=1e-3, abs=1e-2)


def test_each_row_says_where_its_label_is_from(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    run = shutil.copytree(finished.run, tmp_path / "run")
    told = (run / "predictions.csv").read_text().replace(",dot,", ",bar,")  # so that some labels and answers differ
    (run / "predictions.csv").write_text(told)
    image = next((finished.data / "test" / "bar").iterdir())
    known = {row["filename"]: row["label"] for row in rows(run / "manifest.csv")}
    predicted = {row["filename"]: row["label"] for row in rows(run / "predictions.csv")}
    found = ilk("search", run, image, "-k", 100, "--json").events
    assert len(found) == 36
    for event in found:
        name = event["filename"]
        assert event["labeled"] == bool(known[name])
        assert event["label"] == (known[name] or predicted[name])
    lines = ilk("search", run, image).out.splitlines()
    assert len(lines) == 12
    for line, event in zip(lines, found, strict=False):
        assert event["filename"] in line
        assert line.endswith(event["label"] if event["labeled"] else f"{event['label']} (predicted)")


def test_what_is_not_one_image_is_refused(ilk: Ilk, finished: Finished) -> None:
    several = ilk("search", finished.run, finished.data / "test")
    assert several.code == 2
    assert "holds 24 images" in several.error
    image = next((finished.data / "test" / "bar").iterdir())
    none = ilk("search", finished.run, image, "-k", 0)
    assert none.code == 2
    assert "-k must be 1 or more" in none.error
    missing = ilk("search", finished.run, image.with_suffix(".pgn"))
    assert missing.code == 3
    assert f"Did you mean {image.with_suffix('.png').parent}" in missing.error
