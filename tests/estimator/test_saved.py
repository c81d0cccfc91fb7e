"""A saved estimator answers as before, in Python and from the commands; a damaged one answers nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from ilk import NeighborEmbedding
from ilk.cli import main
from ilk.errors import ModelError, RunExistsError, UsageError
from ilk.model.bundle import save_bundle
from ilk.model.checksums import write_checksums
from ilk.model.layout import DESCRIPTION, REQUIRED
from ilk.recipes import bundle_of
from ilk.storage.run import create_run

IMAGES = (load_digits().images * 15.9).astype(np.uint8)
X, NEW = IMAGES[:60], IMAGES[60:80]
Y = np.where(np.arange(60) % 2 == 0, load_digits().target[:60], -1)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def model() -> NeighborEmbedding:
    return NeighborEmbedding(epochs=1e-6, size=(8, 9), random_state=np.random.RandomState(4)).fit(X, Y)


@pytest.fixture
def saved(model: NeighborEmbedding, tmp_path: Path) -> Path:
    model.save(tmp_path / "pets")
    return tmp_path / "pets"


def test_it_answers_with_the_same_bits(model: NeighborEmbedding, saved: Path) -> None:
    loaded = NeighborEmbedding.load(str(saved))
    for method in ("predict", "predict_proba", "transform", "predict_status"):
        mine, others = getattr(model, method)(NEW), getattr(loaded, method)(NEW)
        assert np.array_equal(mine, others)
        assert mine.dtype == others.dtype
    assert np.array_equal(loaded.kneighbors(NEW, 3)[1], model.kneighbors(NEW, 3)[1])
    assert loaded.get_params() == model.get_params() | {"random_state": model.random_state_}
    assert loaded.history_ == model.history_
    assert loaded.random_state_ == model.random_state_


def test_it_holds_safetensors_and_json_alone(saved: Path) -> None:
    files = {path.relative_to(saved).as_posix() for path in saved.rglob("*") if path.is_file()}
    assert {Path(name).suffix for name in files} == {".safetensors", ".json", ".jsonl"}
    assert "config.json" in files


@pytest.mark.parametrize("labels", [["cat", ""], [True, None]])
def test_the_kind_of_the_classes_is_kept(labels: list, tmp_path: Path) -> None:
    y = np.resize(np.array([*labels, "dog" if labels[0] == "cat" else False], dtype=object), 12)
    model = NeighborEmbedding(epochs=1e-6, size=8).fit(X[:12], y)
    model.save(tmp_path / "m")
    loaded = NeighborEmbedding.load(tmp_path / "m")
    assert loaded.classes_.tolist() == model.classes_.tolist() == sorted({labels[0], y[2]})
    assert loaded.predict(NEW).dtype == model.predict(NEW).dtype


def test_the_commands_answer_from_it(model: NeighborEmbedding, saved: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for row, image in enumerate(NEW):
        Image.fromarray(image).save(tmp_path / "new" / f"{row:02d}.png")
    out = tmp_path / "answers.csv"
    assert main(["predict", str(saved), str(tmp_path / "new"), "--out", str(out)]) == 0
    with out.open(encoding="utf-8", newline="") as file:
        assert [int(row["label"]) for row in csv.DictReader(file)] == model.predict(NEW).tolist()


def test_a_run_folder_is_read_too(model: NeighborEmbedding, tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", overwrite=False, config={})
    save_bundle(run.model, bundle_of(model.space_))
    for path in (run.path, run.model):
        loaded = NeighborEmbedding.load(path)
        assert loaded.predict(NEW).tolist() == [str(label) for label in model.predict(NEW)]
        assert np.array_equal(loaded.transform(NEW), model.transform(NEW))
        positions = loaded.kneighbors(NEW, 2, return_distance=False)
        assert np.array_equal(model.references_[positions], model.kneighbors(NEW, 2, return_distance=False))
        assert loaded.get_params()["size"] == (8, 9)
        assert loaded.score(X, Y) == model.score(X, Y)


def test_what_is_there_is_left_alone(model: NeighborEmbedding, saved: Path, tmp_path: Path) -> None:
    other = NeighborEmbedding(epochs=1e-6, size=8).fit(X, Y)
    with pytest.raises(RunExistsError, match="overwrite=True"):
        other.save(saved)
    assert NeighborEmbedding.load(saved).get_params()["size"] == (8, 9)
    other.save(saved, overwrite=True)
    assert NeighborEmbedding.load(saved).get_params()["size"] == 8
    run = create_run(tmp_path / "run", overwrite=False, config={})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    for path in (run.path, tmp_path / "mine", tmp_path / "mine" / "thesis.txt"):
        with pytest.raises(RunExistsError, match="left alone"):
            model.save(path, overwrite=True)


def test_an_error_leaves_the_earlier_model(model: NeighborEmbedding, saved: Path) -> None:
    unfit = NeighborEmbedding(epochs=1e-6, size=8).fit(X, Y).set_params(device=object())
    with pytest.raises(UsageError, match="JSON"):
        unfit.save(saved, overwrite=True)
    assert np.array_equal(NeighborEmbedding.load(saved).transform(NEW), model.transform(NEW))


@pytest.mark.parametrize("name", REQUIRED)
def test_a_damaged_file_is_refused(saved: Path, name: str) -> None:
    path = saved / "model" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=name):
        NeighborEmbedding.load(saved)


@pytest.mark.parametrize(
    "change",
    [
        {"parameters": {"colour": 1}},
        {"parameters": [1]},
        {"labels": "float"},
        {"labels": "truth value"},
        {"history": None},
    ],
)
def test_a_description_that_was_written_by_someone_else_is_refused(saved: Path, change: dict) -> None:
    folder = saved / "model"
    description = json.loads((folder / DESCRIPTION).read_text("utf-8"))
    description["estimator"] |= change
    (folder / DESCRIPTION).write_text(json.dumps(description), "utf-8")
    write_checksums(folder, {name: (folder / name).read_bytes() for name in REQUIRED})
    with pytest.raises(ModelError, match="estimator"):
        NeighborEmbedding.load(saved)


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere"):
        NeighborEmbedding.load(tmp_path / "nowhere")
