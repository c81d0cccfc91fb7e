"""The images of a run that are most similar to one."""

from __future__ import annotations

import numpy as np
import pytest

from ilk.errors import UsageError
from ilk.runs.search import SeveralImagesError, search_images
from ilk.storage.run import Run
from ilk.storage.tables import read_embeddings
from tests.finished_runs import Finished


def test_an_image_of_the_run_finds_itself_and_then_the_nearest_points(finished: Finished) -> None:
    table = read_embeddings(Run(finished.run).embeddings)
    position = next(i for i, label in enumerate(table.labels) if label)
    found = search_images(finished.run, finished.data / "train" / table.names[position].removeprefix("train/"), k=5)
    assert [match.rank for match in found] == [1, 2, 3, 4, 5]
    distances = np.linalg.norm(table.vectors - table.vectors[position], axis=1)
    assert [match.distance for match in found] == pytest.approx(np.sort(distances)[:5].tolist(), abs=1e-3)
    assert (found[0].label, found[0].labeled) == (table.labels[position], True)


def test_more_images_than_one_and_fewer_than_one_match_are_refused(finished: Finished) -> None:
    with pytest.raises(SeveralImagesError, match="60 images; give one"):
        search_images(finished.run, finished.data)
    with pytest.raises(UsageError, match="`k`"):
        search_images(finished.run, finished.data, k=0)
