"""`ilk describe`: the table, the JSON object, the picture, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer import BadParameter

from ilk.cli.console import Console
from ilk.cli.describe import describe as command
from ilk.cli.describe import tell_description
from ilk.cli.layer_table import table
from ilk.errors import UsageError
from ilk.insight import Description, describe
from ilk.networks import NETWORKS, outline, own_channels
from ilk.runs.describe import describe_network
from tests.finished_runs import Finished


def described_of(name: str) -> Description:
    side = NETWORKS[name].paper_size
    return describe(outline(name), channels=own_channels(name), size=(side, side))


def show(target: str, console: Console, **options: Any) -> None:
    tell_description(describe_network(target, **options), console)


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
    described = described_of("neighbor-cifar")
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
    for settings in ({"size": 32}, {"head": 5}, {"channels": 3}, {"strided": True}):
        with pytest.raises(UsageError, match="has a network of its own"):
            show(str(finished.run), Console(), **settings)


def test_strided_convolutions_in_place_of_pools(capsys: pytest.CaptureFixture[str]) -> None:
    import json

    found = json.loads(said(capsys, "alexnet", Console(as_json=True), strided=True))
    kinds = {layer["name"]: (layer["kind"], layer["window"]) for layer in found["layers"]}
    assert (found["network"], found["strided"]) == ("alexnet", True)
    assert kinds["features.pool1.conv"] == ("conv", "3×3/2")
    assert "max pool" not in {kind for kind, _ in kinds.values()}


@pytest.mark.parametrize("width", [80, 120])
def test_a_narrow_terminal_gets_one_line_for_what_works_in_place(width: int) -> None:
    described = described_of("inception-v4")
    lines = list(table(described, width))
    assert max(map(len, lines)) <= width
    norms = [line.split() for line in lines if line.split()[0].endswith(".norm")]
    by_name = {layer.name: layer for layer in described.layers}
    assert len(norms) == 149
    assert all(words[1:3] == ["batch", "norm"] for words in norms)
    assert all(int(words[3].replace(",", "")) == by_name[words[0]].parameters for words in norms)
    assert not [line for line in lines if line.split()[0].endswith(".relu") and len(line.split()) != 2]


def test_no_compiler_is_imported_to_find_shapes() -> None:
    """It would take longer than all the rest; a description takes about a second beyond importing torch."""
    script = """
import sys
from ilk.cli.describe import describe
for name in ("alexnet-2012", "facenet-nn2", "resnet-18", "inception-v4"):
    describe(name, quiet=True)
print(sorted({"sympy", "torch._dynamo", "torch._inductor", "faiss", "sklearn"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_empty_name_is_not_the_present_folder() -> None:
    with pytest.raises(BadParameter, match="Name a network"):
        command("  ")
