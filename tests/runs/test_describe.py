"""A network by name or of a run: what comes back, what is drawn, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ilk.errors import UsageError
from ilk.runs.describe import describe_network
from tests.finished_runs import Finished


def test_what_comes_back_says_of_what_it_is() -> None:
    found = describe_network("AlexNet", head=1000, strided=True)
    assert (found.network, found.strided, found.run, found.picture) == ("alexnet", True, None, None)
    assert found.title == "alexnet, strided, 224×224 px, 3 channels"
    assert found.as_json()["size"] == [224, 224]
    assert "run" not in found.as_json()


def test_a_run_named_without_its_folder(finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "my pets").symlink_to(finished.run)
    with pytest.raises(UsageError, match="There is a run of that name: ilk describe 'runs/my pets'"):
        describe_network("my pets")


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture_is_drawn_again_but_never_over_a_foreign_file(tmp_path: Path, kind: str) -> None:
    picture, photo = tmp_path / f"network.{kind}", tmp_path / f"photo.{kind}"
    photo.write_bytes(b"\x89PNG mine")
    describe_network("neighbor-mnist", out=picture)
    first = picture.read_bytes()
    describe_network("neighbor-mnist", out=picture)
    assert picture.read_bytes() == first
    with pytest.raises(UsageError, match="was not written by Ilk"):
        describe_network("neighbor-mnist", out=photo)
    assert photo.read_bytes() == b"\x89PNG mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"target": "alexnte"}, "Did you mean 'alexnet'"),
        ({"target": "runs/nothing"}, "does not exist"),
        ({"target": "neighbor-cifar", "size": 4}, "at least 7×7"),
        ({"target": "neighbor-cifar", "out": Path("nowhere/x.svg")}, "no folder nowhere"),
    ],
)
def test_mistakes(arguments: dict, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=words):
        describe_network(**arguments)
