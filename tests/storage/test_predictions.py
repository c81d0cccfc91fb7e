from __future__ import annotations

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from ilk.errors import DataError, ShapeError
from ilk.storage.predictions import read_labels, read_predictions, write_predictions

REFERENCES = ["r0", "r1", "r2", "r3"]


def answers(neighbors=3):
    return SimpleNamespace(
        label=np.array([1, 0]),
        confidence=np.array([0.98765432, 1.0]),
        status=np.array(["sure", "unlike"]),
        neighbors=np.array([[2, 0, 1, 3], [3, 2, 1, 0]])[:, :neighbors],
        distances=np.array([[0.0, 0.125, 1 / 3, 9], [1e6 / 3, 1e7, 1e8, 9]])[:, :neighbors],
    )


def test_predictions_row_by_row(tmp_path):
    path = tmp_path / "predictions.csv"
    write_predictions(path, ["=a.png", "b,c.png"], answers(4), ["cat", "dog"], REFERENCES)
    assert path.read_bytes().decode() == (
        "filename,label,confidence,status,neighbor_1,distance_1,neighbor_2,distance_2,neighbor_3,distance_3\n"
        "=a.png,dog,0.987654,sure,r2,0,r0,0.125,r1,0.333333\n"
        '"b,c.png",cat,1.000000,unlike,r3,333333,r2,1e+07,r1,1e+08\n'
    )


def test_fewer_neighbors_leave_cells_empty(tmp_path):
    write_predictions(tmp_path / "p.csv", ["a", "b"], answers(2), ["cat", "dog"], REFERENCES)
    with (tmp_path / "p.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {10}
    assert rows[1][4:] == ["r2", "0", "r0", "0.125", "", ""]


def test_predictions_need_one_answer_per_name(tmp_path):
    with pytest.raises(ShapeError, match="3 names"):
        write_predictions(tmp_path / "p.csv", ["a", "b", "c"], answers(), ["cat", "dog"], ["r"] * 4)


def test_what_was_written_is_read_again(tmp_path):
    names = ["=a.png", "b,\udcff.png"]
    write_predictions(tmp_path / "p.csv", names, answers(2), ["cat", "dog"], REFERENCES)
    first, second = read_predictions(tmp_path / "p.csv")
    assert [first.filename, second.filename] == names
    assert (first.label, first.confidence, first.status) == ("dog", 0.987654, "sure")
    assert (first.neighbors, first.distances) == (("r2", "r0", ""), (0.0, 0.125, 0.0))
    assert (second.label, second.status, second.neighbors[0], second.distances[0]) == ("cat", "unlike", "r3", 333333.0)


def test_the_labels_alone(tmp_path):
    write_predictions(tmp_path / "p.csv", ["a", "b"], answers(), ["cat", "dog"], REFERENCES)
    assert read_labels(tmp_path / "p.csv") == {"a": "dog", "b": "cat"}


@pytest.mark.parametrize("text", ["filename,label\na,b\n", "filename,label,confidence,status\na,b,1x,sure\n", "", None])
def test_what_is_no_table_of_predictions_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DataError, match=r"p\.csv is no table of predictions"):
        list(read_predictions(tmp_path / "p.csv"))


def test_an_empty_file_has_no_labels(tmp_path):
    (tmp_path / "p.csv").touch()
    with pytest.raises(DataError, match="it is empty"):
        read_labels(tmp_path / "p.csv")
