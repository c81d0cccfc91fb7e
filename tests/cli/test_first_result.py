"""The page "First result in ten minutes": its commands run, in their order, on a folder such as it describes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.cli.pictures import draw, labels_of, write_folders
from tests.finished_runs import Ilk
from tests.test_docs import ROOT, commands

PAGE = ROOT / "docs" / "tutorial" / "first-result.md"
SHORTENED = {"10m": "--epochs 3"}
"""The one thing that the test changes: ten minutes are more than it has."""


def test_the_commands_of_the_page_run(ilk: Ilk, tmp_path: Path) -> None:
    pets = draw(8, seed=3)
    write_folders(tmp_path / "pets", pets, labels_of(pets, 4))
    named = draw(3, seed=4)
    write_folders(tmp_path / "named-pets", named, [picture.truth for picture in named])
    new = draw(3, seed=5)
    write_folders(tmp_path / "new-images", new, [None for _ in new])
    (tmp_path / "new-images" / "unlabeled" / new[0].name).rename(tmp_path / "new-images" / "one.jpg")

    lines = [line for line in commands(PAGE) if line.startswith("ilk ")]
    assert {line.split()[1] for line in lines} >= {"check", "fit", "resume", "map", "predict", "search", "evaluate"}
    for line in lines:
        typed = re.sub(r"--time (\w+)", lambda match: SHORTENED[match[1]], line)
        said = ilk(*shlex.split(typed, comments=True)[1:])
        assert said.code == 0, (line, said)

    table = re.findall(r"^\| (`.+?) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    promised = [name for cell in table for name in re.findall(r"`(.+?)`", cell)]
    assert "report.html" in promised
    assert [name for name in promised if not (tmp_path / "runs" / "pets" / name).exists()] == []
