"""Where a model lies, and what its headers must announce."""

from __future__ import annotations

from pathlib import Path

import pytest

import ilk.model
from ilk.model.bundle import save_bundle
from ilk.model.layout import beside, description_problem, different, find_folder, model_in, read_members
from ilk.model.safetensors_header import TensorSpec
from ilk.storage.run import create_run
from tests.model.whole_model import DIM, LABELED, small_bundle


def test_a_whole_model_is_described_by_its_headers(tmp_path: Path) -> None:
    save_bundle(tmp_path / "model", small_bundle())
    members = read_members(tmp_path / "model")
    assert (members.labeled, members.dim) == (LABELED, DIM)
    assert members.weights.keys() == small_bundle().weights.keys()
    assert members.description["classes"] == ["cat", "猫"]


def test_the_model_of_a_run_lies_in_it(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", overwrite=False, config={})
    assert model_in(run.path) == run.model
    assert model_in(run.model) == run.model


def test_a_model_that_was_being_replaced_lies_beside(tmp_path: Path) -> None:
    folder, previous = tmp_path / "model", beside(tmp_path / "model", "previous")
    assert previous == tmp_path / ".model.previous"
    assert find_folder(folder) == folder
    previous.mkdir()
    assert find_folder(folder) == previous
    folder.mkdir()
    assert find_folder(folder) == folder


def test_the_first_difference_is_named() -> None:
    spec = TensorSpec("F32", (2, 3))
    assert different({"a": spec}, {"a": spec}) is None
    assert different({}, {"a": spec}) == "'a' must be F32 of shape (2, 3), but is not there"
    assert different({"a": TensorSpec("I64", (2,))}, {"a": spec}) == (
        "'a' must be F32 of shape (2, 3), but is I64 of shape (2,)"
    )
    assert different({"a": spec, "b": spec}, {"a": spec}) == "it holds 'b', which is no part of it"


def test_a_description_is_checked_field_by_field() -> None:
    whole = small_bundle().description
    assert description_problem(whole) is None
    assert description_problem(whole | {"k": 0}) == "'k' in model.json must be above 0, not 0"


@pytest.mark.parametrize("name", ilk.model.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(ilk.model, name).__name__ == name


def test_no_other_name_is_there() -> None:
    with pytest.raises(AttributeError, match="golden"):
        ilk.model.golden  # noqa: B018
