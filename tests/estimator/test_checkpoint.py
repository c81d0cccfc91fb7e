"""A fit that is interrupted goes on from its checkpoint to the same bits; other data or parameters are refused."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from ilk import NeighborEmbedding
from ilk.errors import DataError, InterruptedRunError, ModelError, UsageError
from ilk.estimator import checkpoint
from ilk.training import TrainingState

IMAGES = (load_digits().images * 15.9).astype(np.uint8)
X, Y = IMAGES[:60], np.where(np.arange(60) % 2 == 0, load_digits().target[:60], -1)
SETTINGS: dict[str, Any] = {"epochs": 6, "size": 8, "random_state": 3}
"""Six steps."""

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def whole() -> NeighborEmbedding:
    """The same fit without a stop and without a checkpoint."""
    return NeighborEmbedding(**SETTINGS).fit(X, Y)


def kept(folder: Path, **changes: Any) -> NeighborEmbedding:
    return NeighborEmbedding(**SETTINGS | {"checkpoint": folder} | changes)


def at_step(monkeypatch: pytest.MonkeyPatch, step: int, do: Callable[[], None]) -> None:
    """Do something after this step, before it is saved."""
    add = TrainingState.add

    def watched(self: TrainingState, terms: Any) -> None:
        add(self, terms)
        if self.step == step:
            do()

    monkeypatch.setattr(TrainingState, "add", watched)


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def interrupt_twice() -> None:
    interrupt()
    interrupt()


def stopped(folder: Path, step: int = 3, do: Callable[[], None] = interrupt, **changes: Any) -> str:
    """Fit until something happens after this step; what was said."""
    with pytest.MonkeyPatch.context() as patch:
        at_step(patch, step, do)
        with pytest.raises(InterruptedRunError) as caught:
            kept(folder, **changes).fit(X, Y)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return str(caught.value)


def require_same(one: NeighborEmbedding, other: NeighborEmbedding) -> None:
    mine, others = (each.space_.network.state_dict() for each in (one, other))
    assert all(torch.equal(mine[name], others[name]) for name in mine)
    assert one.history_ == other.history_
    assert np.array_equal(one.embedding_, other.embedding_)
    assert one.random_state_ == other.random_state_


def test_a_fit_with_a_checkpoint_is_the_same_fit(whole: NeighborEmbedding, tmp_path: Path) -> None:
    assert whole.history_[-1]["step"] == 6
    require_same(kept(tmp_path / "new" / "folder").fit(X, Y), whole)


def test_an_interrupted_fit_goes_on_to_the_same_bits(whole: NeighborEmbedding, tmp_path: Path) -> None:
    said = stopped(tmp_path)
    assert said == f"Stopped after step 3; the state is saved. Call the same fit again to resume from {tmp_path}."
    assert "Stopped after step 5" in stopped(tmp_path, 5)
    require_same(kept(str(tmp_path), n_neighbors=None, verbose=1).fit(X, Y), whole)


def test_a_second_interrupt_stops_at_once(
    whole: NeighborEmbedding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "before the first checkpoint" in stopped(tmp_path, 1, interrupt_twice)
    monkeypatch.setattr(checkpoint, "SECONDS", 0)
    assert "the state after step 3 is saved" in stopped(tmp_path, 4, interrupt_twice)
    require_same(kept(tmp_path).fit(X, Y), whole)


def test_an_interrupt_in_the_last_step_is_not_swallowed(whole: NeighborEmbedding, tmp_path: Path) -> None:
    assert "the state after step 6 is saved" in stopped(tmp_path, 6)
    require_same(kept(tmp_path).fit(X, Y), whole)


def test_a_finished_fit_returns_at_once(
    whole: NeighborEmbedding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(tmp_path).fit(X, Y)
    monkeypatch.setattr(TrainingState, "add", None)  # no step is trained
    require_same(kept(tmp_path).fit(X, Y), whole)


def test_a_fresh_random_state_is_that_of_the_checkpoint(tmp_path: Path) -> None:
    stopped(tmp_path, random_state=None)
    model = kept(tmp_path, random_state=None).fit(X, Y)
    require_same(model, NeighborEmbedding(**SETTINGS | {"random_state": model.random_state_}).fit(X, Y))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 7}, "epochs=6.0, and this one has epochs=7.0"),
        ({"random_state": 4}, "random_state=3, and this one has random_state=4"),
        ({"network": "neighbor-2d"}, "network='neighbor-mnist'"),
        ({"size": 9}, "size=8"),
        ({"augment": "none"}, "augment='affine'"),
        ({"epochs": None}, "epochs=6.0"),
    ],
)
def test_other_parameters_are_refused(tmp_path: Path, changes: dict, words: str) -> None:
    stopped(tmp_path, 1)
    with pytest.raises(UsageError, match=re.escape(words) + ".*same parameters.*another folder by `checkpoint`"):
        kept(tmp_path, **changes).fit(X, Y)
    kept(tmp_path).fit(X, Y)


def test_other_data_are_refused(tmp_path: Path) -> None:
    stopped(tmp_path, 1)
    other = Y.copy()
    other[1] = 2
    for images, labels in ((IMAGES[1:61], Y), (X, other), (X[:59], Y[:59])):
        with pytest.raises(DataError, match="same X and y"):
            kept(tmp_path).fit(images, labels)


def test_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped(tmp_path, 1)
    monkeypatch.setattr(checkpoint, "versions", lambda: {"ilk": "9", "torch": "9", "numpy": "9", "faiss": "9"})
    with pytest.raises(UsageError, match="bit for bit"):
        kept(tmp_path).fit(X, Y)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(UsageError, match=r"thesis\.txt.*left alone.*another folder"):
        kept(tmp_path).fit(X, Y)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    stopped(tmp_path, 1)
    for path in (tmp_path / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelError, match="No checkpoint in"):
        kept(tmp_path).fit(X, Y)


def test_without_a_folder_an_interrupt_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    at_step(monkeypatch, 1, interrupt)
    with pytest.raises(KeyboardInterrupt):
        NeighborEmbedding(**SETTINGS).fit(X, Y)
