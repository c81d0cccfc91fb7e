"""`ilk describe`: the table, the JSON object, the picture, and what is refused."""

from __future__ import annotations

from pathlib import Path

import jaxtyping
import pytest

from ilk.cli.console import Console
from ilk.cli.describing import show, table
from ilk.errors import UsageError
from ilk.insight import describe
from ilk.networks import build
from tests.cli.conftest import Finished


@pytest.fixture(autouse=True)
def _untyped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # what is traced has no shape


def said(capsys: pytest.CaptureFixture[str], *arguments: object, **settings: object) -> str:
    show(*arguments, **settings)
    return capsys.readouterr().out


def test_a_table_ends_in_its_sums(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    lines = said(capsys, "AlexNet", Console(), head=1000).splitlines()
    assert lines[0] == "alexnet, 224×224 px, 3 channels"
    assert lines[1].split()[:3] == ["layer", "kind", "output"]
    assert " ".join(lines[2].split()) == "features.conv1 conv 11×11/4 64×55×55 11 4 -2 23,296 70,276,800"
    assert lines[-1] == "61,100,840 parameters, 714,188,480 multiply-adds per image"


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    import json

    found = json.loads(said(capsys, "neighbor-mnist", Console(as_json=True), size=28))
    assert (found["network"], found["size"], found["channels"]) == ("neighbor-mnist", [28, 28], 1)
    assert (found["parameters"], found["multiply_adds"]) == (134_944, 13_048_384)
    first = found["layers"][0]
    assert first["output_shape"] == [16, 26, 26]
    assert first["receptive_field"] == {
        **{"size": [5, 5], "stride": [1, 1], "offset": [-1, -1]},
        **{"least_size": [5, 5], "least_offset": [-1, -1]},
    }


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    described = describe(build("neighbor-cifar", channels=3), channels=3, size=(32, 32))
    lines = list(table(described, width))
    assert max(map(len, lines)) <= width
    assert any("718" in line or "14,592" in line for line in lines)


def test_quiet_leaves_the_sums(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "neighbor-mnist", Console(quiet=True), size=28)
    assert out == "134,944 parameters, 13,048,384 multiply-adds per image\n"


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture(capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str) -> None:
    target = tmp_path / f"network.{kind}"
    assert said(capsys, "neighbor-mnist", Console(), out=target).splitlines()[-1] == str(target)
    assert target.stat().st_size > 5000


def test_a_run_has_its_own_size_and_channels(capsys: pytest.CaptureFixture[str], finished: Finished) -> None:
    out = said(capsys, str(finished.run), Console())
    assert out.startswith("neighbor-mnist of ")
    assert "12×12 px" in out.splitlines()[0]
    with pytest.raises(UsageError, match="size, a head and channels of its own"):
        show(str(finished.run), Console(), size=32)


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
        show(arguments.pop("target"), Console(), **arguments)
