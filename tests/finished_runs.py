"""What the tests of runs and commands share: a way to call a command, small data, one finished and one stopped run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ilk.cli import main
from ilk.storage.run import Run
from tests.cli.pictures import draw, labels_of, write_folders
from tests.cli.stopped import LONG, interrupt_after

LABELS = 4
SHORT = ("--epochs", "3", "--size", "12")
"""A fit of three steps, for what does not depend on how well it went."""


@dataclass(frozen=True)
class Said:
    """What a command left behind: its exit code and its two streams."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The sentence after "error: "; a refusal says exactly one, and shows no traceback."""
        found = [line.removeprefix("error: ") for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(found) == 1, self
        assert self.err.splitlines()[-1] == f"error: {found[0]}"
        assert "Traceback" not in self.err + self.out
        return found[0]

    @property
    def events(self) -> list[dict]:
        """The JSON objects on stdout, which holds nothing else."""
        events = [json.loads(line) for line in self.out.splitlines()]
        assert all(isinstance(event, dict) for event in events)
        return events


Ilk = Callable[..., Said]


@pytest.fixture
def ilk(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ilk:
    """Call the command line from an empty folder, as ilk("fit", data, "--epochs", 1)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Said(code, *capsys.readouterr())

    return call


@dataclass(frozen=True)
class Finished:
    """A finished run and the folder with train/ and test/ that it was fitted on. Not to be written to."""

    data: Path
    run: Path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Fitted well enough to be right most of the time; one picture of each class in test/ lies in a wrong folder."""
    place = tmp_path_factory.mktemp("finished")
    train, test = draw(12, seed=1), draw(8, seed=2)
    write_folders(place / "pets" / "train", train, labels_of(train, LABELS))
    wrong = {picture.truth: i for i, picture in enumerate(test)}  # the last of each class
    folders = [picture.truth for picture in test]
    for truth, other in (("bar", "dot"), ("dot", "cross"), ("cross", "bar")):
        folders[wrong[truth]] = other
    write_folders(place / "pets" / "test", test, folders)
    code = main(["fit", str(place / "pets"), "--out", str(place / "run"), "--epochs", "24", "--size", "12", "--quiet"])
    assert code == 0
    return Finished(place / "pets", place / "run")


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Folders of classes, four labels in each, and as many pictures again in unlabeled/."""
    drawn = draw(8, seed=3)
    return write_folders(tmp_path / "pets", drawn, labels_of(drawn, LABELS))


@dataclass(frozen=True)
class Stopped:
    """Pictures, a finished run on them, and the same run stopped after four of six steps. Not to be written to."""

    data: Path
    whole: Path
    run: Path

    def copied(self) -> Run:
        """The stopped run once more, as "broken" in the present folder; it knows where its pictures lie."""
        return Run(Path(shutil.copytree(self.run, "broken")))


@pytest.fixture(scope="session")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """Fitted for six steps."""
    place, drawn = tmp_path_factory.mktemp("stopped"), draw(8, seed=3)
    data = write_folders(place / "pets", drawn, labels_of(drawn, LABELS))
    assert main(["fit", str(data), *LONG, "--out", str(place / "whole"), "--quiet"]) == 0
    with pytest.MonkeyPatch.context() as patched:
        interrupt_after(4, patched)
        assert main(["fit", str(data), *LONG, "--out", str(place / "run"), "--quiet"]) == 130
    return Stopped(data, place / "whole", place / "run")
