"""The estimator as scikit-learn's users meet it, on digits with very short trainings."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

import ilk
from ilk import NeighborEmbedding
from ilk.errors import ChannelsError, DataError, NoLabelsError, OneClassError, ShapeError, UsageError
from ilk.methods import neighbor

DIGITS = load_digits()
IMAGES = (DIGITS.images * 15.9).astype(np.uint8)
X, NEW = IMAGES[:200], IMAGES[200:240]
Y = np.where(np.arange(200) % 2 == 0, DIGITS.target[:200], -1)
SHORT: dict[str, Any] = {"epochs": 1e-6, "size": 8}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def model() -> NeighborEmbedding:
    return NeighborEmbedding(**SHORT).fit(X, Y)


def same_weights(one: NeighborEmbedding, other: NeighborEmbedding) -> bool:
    mine, others = (each.space_.network.state_dict() for each in (one, other))
    return all(torch.equal(mine[name], others[name]) for name in mine)


def test_what_is_learned(model: NeighborEmbedding) -> None:
    assert model.classes_.dtype == np.int64
    assert model.classes_.tolist() == list(range(10))
    assert model.embedding_.shape == (200, 128)
    assert model.references_.tolist() == list(range(0, 200, 2))
    assert np.array_equal(model.transduction_[::2], Y[::2])
    assert np.array_equal(model.transduction_[1::2], model.predict(X)[1::2])
    assert np.array_equal(model.status_, model.predict_status(X))
    columns = np.searchsorted(model.classes_, model.transduction_)
    assert np.array_equal(model.confidence_, model.predict_proba(X)[np.arange(200), columns])
    assert [record["step"] for record in model.history_] == [1.0]
    assert model.random_state_ == 0


def test_answers(model: NeighborEmbedding) -> None:
    assert np.array_equal(model.transform(X), model.embedding_)
    probabilities = model.predict_proba(NEW)
    assert probabilities.shape == (40, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert np.mean(model.predict(NEW) == DIGITS.target[200:240]) > 0.3  # by chance: 0.1


def test_the_nearest_labeled_images_by_their_place_in_x(model: NeighborEmbedding) -> None:
    distances, positions = model.kneighbors(NEW, 4)
    every = np.linalg.norm(model.transform(NEW)[:, None].astype(float) - model.embedding_[::2], axis=2)
    assert np.array_equal(positions, 2 * np.argsort(every, axis=1, kind="stable")[:, :4])
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :4], rtol=1e-6)
    assert np.array_equal(model.kneighbors(NEW, 4, return_distance=False), positions)
    assert model.kneighbors(NEW)[0].shape == (40, 5)
    assert model.kneighbors(NEW, 100)[0].shape == (40, 100)
    for k in (0, 101):
        with pytest.raises(UsageError, match="1 to 100"):
            model.kneighbors(NEW, k)


def test_the_four_forms_of_unlabeled_give_the_same_model(model: NeighborEmbedding) -> None:
    def with_gaps(gap: object) -> list:
        return [gap if label == -1 else int(label) for label in Y]

    for gap in (None, float("nan"), "", -1.0):
        other = NeighborEmbedding(**SHORT).fit(X, with_gaps(gap))
        assert same_weights(model, other)
        assert np.array_equal(model.transduction_, other.transduction_)
    words = np.array([f"digit {label}" for label in range(10)])
    named = NeighborEmbedding(**SHORT).fit(X, np.where(Y == -1, "", words[Y]))
    assert same_weights(model, named)
    assert named.predict(NEW).tolist() == words[model.predict(NEW)].tolist()


def test_every_form_of_x_gives_the_same_answers(model: NeighborEmbedding, tmp_path: Path) -> None:
    paths = [tmp_path / f"{row}.png" for row in range(len(NEW))]
    for path, image in zip(paths, NEW, strict=True):
        Image.fromarray(image).save(path)
    for form in (torch.from_numpy(NEW), list(NEW), [Image.fromarray(image) for image in NEW], paths):
        assert np.array_equal(model.predict_proba(form), model.predict_proba(NEW))


def test_score_counts_the_labeled_images_alone(model: NeighborEmbedding) -> None:
    right = model.predict(NEW) == DIGITS.target[200:240]
    y = [int(label) if row % 4 else None for row, label in enumerate(DIGITS.target[200:240])]
    counted = np.arange(40) % 4 > 0
    assert model.score(NEW, y) == right[counted].mean()
    weights = np.arange(40.0)
    assert model.score(list(NEW), y, weights) == pytest.approx(np.average(right[counted], weights=weights[counted]))
    assert model.score(NEW, [11] * 40) == 0
    with pytest.raises(NoLabelsError, match="nothing to compare"):
        model.score(NEW, [-1] * 40)
    with pytest.raises(UsageError, match="39 labels for 40"):
        model.score(NEW, y[1:])


def test_the_random_state_decides_and_nothing_else_does(model: NeighborEmbedding) -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    threads = torch.get_num_threads()
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()
    assert same_weights(model, NeighborEmbedding(**SHORT, random_state=np.int64(0)).fit(X, Y))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert torch.get_num_threads() == threads
    fresh = NeighborEmbedding(**SHORT, random_state=None).fit(X, Y)
    assert not same_weights(model, fresh)
    again = NeighborEmbedding(**SHORT, random_state=fresh.random_state_).fit(X, Y)
    assert same_weights(fresh, again)


def test_fit_predict_and_fit_transform(model: NeighborEmbedding) -> None:
    assert np.array_equal(NeighborEmbedding(**SHORT).fit_predict(X, Y), model.transduction_)
    assert np.array_equal(NeighborEmbedding(**SHORT).fit_transform(X, Y), model.embedding_)
    assert model.get_feature_names_out()[[0, 127]].tolist() == ["neighborembedding0", "neighborembedding127"]


def test_the_number_of_voters(model: NeighborEmbedding) -> None:
    several = NeighborEmbedding(**SHORT, n_neighbors=np.int64(7)).fit(X, Y)
    assert several.space_.classifier.k == 7
    assert same_weights(model, several)
    assert (several.predict(X)[::2] != Y[::2]).any()  # outvoted by its neighbors, and yet:
    assert np.array_equal(several.transduction_[::2], Y[::2])


def test_a_collapse_is_said() -> None:
    with pytest.warns(ConvergenceWarning, match="has collapsed.*Give more `time_limit`,"):
        NeighborEmbedding(**SHORT).fit(np.full_like(X, 7), Y)


def test_clone_and_deepcopy(model: NeighborEmbedding) -> None:
    fresh = clone(model)
    assert fresh.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        fresh.predict(NEW)
    assert np.array_equal(copy.deepcopy(model).predict_proba(NEW), model.predict_proba(NEW))


def test_in_a_pipeline(model: NeighborEmbedding) -> None:
    inverted = Pipeline([("invert", FunctionTransformer(np.invert)), ("embed", NeighborEmbedding(**SHORT))])
    assert np.array_equal(inverted.fit(np.invert(X), Y).predict(np.invert(NEW)), model.predict(NEW))
    plane = make_pipeline(NeighborEmbedding(**SHORT), PCA(2)).fit(X, Y)
    assert plane.transform(NEW).shape == (40, 2)


@pytest.mark.parametrize("form", [np.asarray, list, torch.from_numpy], ids=["array", "list", "tensor"])
def test_in_a_grid_search(form: Any) -> None:
    search = GridSearchCV(NeighborEmbedding(**SHORT), {"n_neighbors": [1, 45]}, cv=2, error_score="raise")
    search.fit(form(X), Y)
    assert search.best_params_ == {"n_neighbors": 1}  # nearly all labels together name the commonest class
    assert search.best_score_ > 0.3  # -1 is counted for nothing; as a class it would halve the score
    assert search.predict(NEW).shape == (40,)


def test_across_folds_with_texts() -> None:
    y = np.where(Y[:60] == -1, "", Y[:60].astype(str))
    answers = cross_val_predict(NeighborEmbedding(**SHORT), X[:60], y, cv=2)
    assert set(answers) <= set("0123456789")


def test_a_fold_without_a_second_class_is_refused_in_words() -> None:
    with pytest.raises(OneClassError, match="All 2 labels in y name 1 class, 3"):
        NeighborEmbedding(**SHORT).fit(X[:4], [3, -1, 3, -1])


def test_what_cannot_be_fitted(tmp_path: Path) -> None:
    estimator = NeighborEmbedding(**SHORT)
    with pytest.raises(UsageError, match="requires y"):
        estimator.fit(X)
    with pytest.raises(ShapeError, match=r"\(n, h, w\)"):
        estimator.fit(DIGITS.data[:200], Y)
    with pytest.raises(UsageError, match="199 labels for 200 images"):
        estimator.fit(X, Y[1:])
    with pytest.raises(DataError, match=r"none\.png \("):
        estimator.fit([*X[:3], tmp_path / "none.png"], [0, 1, -1, -1])
    with pytest.raises(UsageError, match="not both and not neither"):
        NeighborEmbedding(time_limit=None).fit(X, Y)
    assert vars(estimator) == vars(NeighborEmbedding(**SHORT))


def test_one_answer_for_each_image_or_an_error(model: NeighborEmbedding, tmp_path: Path) -> None:
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DataError, match=r"1 of 3 images in X cannot be used: .*damaged\.png"):
        model.predict([NEW[0], tmp_path / "damaged.png", NEW[1]])


def test_gray_and_color_are_not_mixed_up(model: NeighborEmbedding) -> None:
    tinted = np.stack([X, X // 2, 255 - X], axis=-1)
    with pytest.raises(ChannelsError, match="X holds color images"):
        model.predict(tinted)
    color = NeighborEmbedding(**SHORT).fit(tinted, Y)
    with pytest.raises(ChannelsError, match="X holds gray images only"):
        color.predict(X)
    both = NeighborEmbedding(**SHORT).fit([*tinted[:100], *X[100:]], Y)
    assert both.predict(X[:3]).shape == (3,)


def test_an_interrupt_leaves_the_model_as_it_was(model: NeighborEmbedding, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(neighbor, "fit_classifier", interrupt)  # at the very end of training
    fresh, fitted = NeighborEmbedding(**SHORT), copy.deepcopy(model)
    before = vars(fitted).copy()
    for estimator in (fresh, fitted):
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(X[:50], Y[:50])
    assert vars(fresh) == vars(NeighborEmbedding(**SHORT))
    assert vars(fitted).keys() == before.keys()
    assert all(vars(fitted)[name] is value for name, value in before.items())


def test_fitted_again_nothing_of_the_first_time_is_left(model: NeighborEmbedding) -> None:
    again = copy.deepcopy(model)
    again.fit(X[:50], np.where(Y[:50] == -1, "", "x" + Y[:50].astype(str).astype(object)).astype(str))
    first = NeighborEmbedding(**SHORT).fit(X[:50], Y[:50])
    assert again.classes_.tolist() == [f"x{label}" for label in first.classes_]
    assert np.array_equal(again.embedding_, first.embedding_)


def test_a_time_limit_is_kept_and_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    model = NeighborEmbedding(time_limit=0.5, size=8, verbose=1).fit(X, Y)
    assert model.history_[-1]["step"] >= 1
    assert capsys.readouterr().out.count("epoch ") == len(model.history_)


def test_the_package_loads_it_when_asked() -> None:
    assert ilk.NeighborEmbedding is NeighborEmbedding
    with pytest.raises(AttributeError, match="NeighbourEmbed"):
        ilk.NeighbourEmbed  # noqa: B018


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_digits_with_ten_labels_in_each_class() -> None:
    rng = np.random.default_rng(0)
    y = np.full(1500, -1)
    for digit in range(10):
        chosen = rng.choice(np.flatnonzero(DIGITS.target[:1500] == digit), 10, replace=False)
        y[chosen] = digit
    model = NeighborEmbedding(epochs=40).fit(IMAGES[:1500], y)
    assert model.score(IMAGES[1500:], DIGITS.target[1500:]) > 0.92
