"""The default recipe from Python: it learns, its parts agree with one another, and it resumes to the bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ilk.data import Dataset, from_arrays
from ilk.errors import DivergedError, InterruptedRunError, NoLabelsError, OneClassError, UsageError
from ilk.methods import NeighborSettings
from ilk.neighbors import leave_one_out_error
from ilk.recipes import FitResult, default, fit
from ilk.recipes.default import choose_device, evenly, finite, probe
from ilk.training import Callbacks, Settings, TimePlan, TrainingState

SIDE, COUNT, LABELS = 8, 60, 12
SHORT = Settings(epochs=6.0, seed=3)  # 2 steps an epoch
FEW = NeighborSettings(pool=24, queries=9)


def arrays() -> tuple[np.ndarray, np.ndarray]:
    """Noisy images (n, h, w) of three classes, bright at the left, at the top or in the middle, and their classes."""
    draws = np.random.default_rng(0)
    truth = np.arange(COUNT) % 3
    images = draws.integers(0, 90, (COUNT, SIDE, SIDE)).astype(np.uint8)
    images[truth == 0, :, :3] += 150
    images[truth == 1, :3, :] += 150
    images[truth == 2, 3:6, 3:6] += 150
    return images, truth


def dataset() -> Dataset:
    images, truth = arrays()
    return from_arrays(
        images, [["left", "top", "middle"][t] if i < LABELS else None for i, t in enumerate(truth)], size=SIDE
    )


@pytest.fixture(scope="module")
def fitted() -> FitResult:
    return fit(dataset(), replace(SHORT, epochs=20.0), method=FEW)


def test_a_few_labels_in_python_classify_the_rest(fitted: FitResult) -> None:
    truth, known = arrays()[1], dataset()
    answers = fitted.space.classifier.predict(fitted.points)
    told = [fitted.space.classes[label] for label in answers.label]
    assert told == [["left", "top", "middle"][t] for t in truth]
    assert fitted.space.reference_names == tuple(known.names[:LABELS])
    assert (fitted.space.size, fitted.space.channels, fitted.space.gray_too) == ((SIDE, SIDE), 1, True)


def test_the_points_are_those_of_the_space(fitted: FitResult) -> None:
    data = dataset()
    np.testing.assert_array_equal(fitted.points, fitted.space.embed(data.images))
    np.testing.assert_array_equal(fitted.space.classifier.points, fitted.points[data.labeled])
    np.testing.assert_array_equal(fitted.space.classifier.targets, data.targets[data.labeled])


def test_the_last_record_is_of_the_network_that_answers(fitted: FitResult) -> None:
    data, last = dataset(), fitted.history[-1]
    assert probe(fitted.space.network, data, distance="squared", temperature=8.0) == {
        name: last[name] for name in probe_names(last)
    }
    own = fitted.points[data.labeled]
    assert last["own_error"] == leave_one_out_error(own, data.targets[data.labeled])
    assert last["spread"] == pytest.approx(
        np.sqrt(((fitted.points - fitted.points.mean(0)) ** 2).sum(1).mean()), rel=1e-4
    )
    assert 1 / 3 <= last["largest_share"] <= 1
    assert last["largest_class"] in (0, 1, 2)


def probe_names(record: dict[str, float]) -> list[str]:
    return [name for name in record if name not in {"epoch", "step", "labeled", "entropy", "consistency"}]


def test_hidden_randomness_has_no_say() -> None:
    first = fit(dataset(), SHORT, method=FEW)
    torch.manual_seed(5)
    again, other = fit(dataset(), SHORT, method=FEW), fit(dataset(), replace(SHORT, seed=4), method=FEW)
    np.testing.assert_array_equal(first.points, again.points)
    assert first.history == again.history
    assert first.history != other.history


def test_a_stopped_fit_goes_on_bit_for_bit() -> None:
    saved, steps = [], []

    def save(state: TrainingState, must: bool) -> None:
        if must:
            saved.append(({name: tensor.clone() for name, tensor in state.tensors().items()}, state.metadata()))

    callbacks = Callbacks(save=save, stop=lambda: len(steps) == 5, on_step=lambda step, _: steps.append(step))
    with pytest.raises(InterruptedRunError, match="after step 5"):
        fit(dataset(), SHORT, method=FEW, callbacks=callbacks)
    resumed, whole = fit(dataset(), SHORT, method=FEW, checkpoint=saved[0]), fit(dataset(), SHORT, method=FEW)
    np.testing.assert_array_equal(resumed.points, whole.points)
    assert resumed.history == whole.history


@pytest.mark.parametrize("reserve", [0.0, 20.0])
def test_of_a_time_limit_only_the_embedding_and_what_the_caller_needs_are_kept(
    reserve: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[float] = []

    def plan(limit: float, reserve: float, started: float) -> TimePlan:
        kept.append(reserve)
        return TimePlan(limit, reserve, started - limit)  # no time is left, so that it ends soon

    monkeypatch.setattr(default, "TimePlan", plan)
    monkeypatch.setattr(default, "embedding_seconds", lambda network, dataset: 1.5)
    fit(dataset(), replace(SHORT, epochs=None, time_limit=10.0), method=FEW, reserve=reserve)
    assert kept == [1.5 + reserve]


def test_a_time_limit_ends() -> None:
    timed = replace(SHORT, epochs=None, time_limit=9.0)
    result = fit(dataset(), timed, method=FEW, started=0.0)  # began long ago: no time is left
    assert result.history[-1]["step"] < 50


@pytest.mark.parametrize(
    ("labels", "error"), [([None] * COUNT, NoLabelsError), (["a", *[None] * (COUNT - 1)], OneClassError)]
)
def test_what_cannot_be_learned_is_refused(labels: list, error: type[Exception]) -> None:
    with pytest.raises(error):
        fit(from_arrays(arrays()[0], labels), SHORT, method=FEW)


def test_images_too_small_for_the_network_are_refused() -> None:
    images, truth = arrays()
    with pytest.raises(UsageError, match=r"at least 8×8 pixels, not 7×7"):
        fit(from_arrays(images, truth, size=7), SHORT, method=FEW)


def test_devices() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    for name in ("tpu", "", "cuda:99", "meta", "cpu:x"):
        with pytest.raises(UsageError, match="device"):
            choose_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="only where there is no CUDA device can it be missing")
def test_a_device_that_is_not_here_is_refused() -> None:
    with pytest.raises(UsageError, match=r"'cuda' is not usable here: give `device` auto or cpu"):
        choose_device("cuda")


@pytest.mark.parametrize(("count", "most"), [(0, 5), (4, 5), (5, 5), (6, 5), (100, 7), (1000, 999), (10, 1)])
def test_evenly(count: int, most: int) -> None:
    numbers = np.arange(count) * 10
    chosen = evenly(numbers, most)
    assert len(chosen) == min(count, most)
    assert len(set(chosen.tolist())) == len(chosen)
    assert set(chosen.tolist()) <= set(numbers.tolist())
    gaps = np.diff(chosen)
    if len(gaps):
        assert (chosen[0], chosen[-1]) == (numbers[0], numbers[-1])
        assert gaps.max() - gaps.min() <= 10


def test_points_that_are_no_numbers_are_divergence() -> None:
    points = np.zeros((3, 2), dtype=np.float32)
    assert finite(points) is points
    points[1, 1] = np.inf
    with pytest.raises(DivergedError, match="smaller learning rate"):
        finite(points)
