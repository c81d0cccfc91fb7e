"""`ilk fit --recipe` and `--groups`: what they set, say and refuse, and that a resumed run keeps them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from ilk.data.groups_table import in_words, read_groups
from ilk.errors import LabelsFileError
from ilk.recipes import paper_recipe
from ilk.storage.run import Run, read_config
from tests.cli.pictures import rows
from tests.cli.stopped import assert_same_run, interrupt_after
from tests.finished_runs import LABELS, SHORT, Ilk

BY_PAPER = ("--recipe", "mnist-100+euclidean", "--labels-per-class", 3, "--size", 12)


def test_a_recipe_sets_all_that_it_decides_and_says_how_much_of_it_was_run(ilk: Ilk, pets: Path) -> None:
    said = ilk("fit", pets, *BY_PAPER, "--epochs", 4.5, "--seed", 7, "--out", "run")
    assert said.code == 0, said
    assert "recipe mnist-100+euclidean (schedule shortened to 1/20, 3 labels per class), network" in said.out
    recipe = paper_recipe("mnist-100+euclidean", epochs=4.5, seed=7)
    request = read_config(Run(Path("run")))["request"]
    assert request["settings"] == asdict(recipe.settings)
    assert (request["recipe"], request["network"]) == ("mnist-100+euclidean", "neighbor-mnist")
    assert len([row for row in rows(Path("run/manifest.csv")) if row["label"]]) == 9
    assert "mnist-100+euclidean, schedule shortened to 1/22.5" in Path("run/report.html").read_text("utf-8")


def test_a_recipe_keeps_its_own_count_of_labels(ilk: Ilk, pets: Path) -> None:
    said = ilk("fit", pets, "--recipe", "mnist-100", "--epochs", 1)
    assert (said.code, f"{LABELS} labels, and 10 per class are asked for" in said.error) == (3, True)


def test_within_a_time_the_share_is_said_once_it_is_known(ilk: Ilk, pets: Path) -> None:
    said = ilk("fit", pets, *BY_PAPER, "--time", "2s", "--out", "run")
    assert said.code == 0, said
    assert "(schedule scaled to the time, 3 labels per class)" in said.out
    assert "steps fit the time (schedule shortened to 1/" in said.out


def test_without_a_length_the_schedule_is_whole(ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        interrupt_after(1, patched)
        said = ilk("fit", pets, *BY_PAPER, "--out", "run")
    assert said.code == 130
    assert "(the full schedule of 90 epochs, 3 labels per class)" in said.out
    assert read_config(Run(Path("run")))["request"]["settings"]["epochs"] == 90


def test_a_resumed_run_keeps_its_recipe_and_groups(ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("groups.csv").write_text("label,group\nbar,line\ncross,line\n")
    asked = (*BY_PAPER, "--epochs", 6, "--groups", "groups.csv")
    assert ilk("fit", pets, *asked, "--out", "whole").code == 0
    with monkeypatch.context() as patched:
        interrupt_after(4, patched)
        assert ilk("fit", pets, *asked, "--out", "run").code == 130
    Path("groups.csv").unlink()  # what it said is in the run
    said = ilk("resume", "run")
    assert said.code == 0, said
    assert_same_run(Path("whole"), Path("run"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--recipe", "mnist-10"), "There is no recipe 'mnist-10'. Did you mean 'mnist-100'?"),
        (("--recipe", "mnist-100+nesterov"), "There is no reading 'nesterov'."),
        (("--recipe", "mnist-100", "--network", "vgg-11"), "decides what --network would set"),
        (("--recipe", "mnist-100", "--augment", "affine"), "decides what --augment would set"),
        (("--recipe", "mnist-100", "--rate", 0.2), "decides what --rate would set"),
        (("--recipe", "mnist-100", "--from", "old"), "decides what --from would set"),
        (("--recipe", "mnist-100", "--epochs", 1, "--time", "3s"), "Give --time or --epochs, not both"),
    ],
)
def test_what_cannot_go_together_is_refused_before_a_folder_is_made(
    ilk: Ilk, pets: Path, options: tuple, said: str
) -> None:
    refused = ilk("fit", pets, *options, "--out", "run")
    assert refused.code == 2
    assert said in refused.error
    assert not Path("run").exists()


def test_groups_change_the_entropy_alone_and_are_said(ilk: Ilk, pets: Path) -> None:
    Path("groups.csv").write_text("\ufeffGroup;Label\nline;bar\nline;cross\n", encoding="utf-8")
    settings = (*SHORT, "--recipe", "mnist-100", "--labels-per-class", 4)
    assert ilk("fit", pets, *settings, "--out", "plain").code == 0
    said = ilk("fit", pets, *settings, "--groups", "groups.csv", "--out", "grouped")
    assert said.code == 0, said
    assert "Groups  line (bar, cross): nothing is asked of unlabeled images within a group" in said.out
    first = [rows(Path(run, "metrics.csv"))[0] for run in ("plain", "grouped")]
    assert float(first[1]["entropy"]) < float(first[0]["entropy"])
    assert first[0]["labeled"] == first[1]["labeled"]


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("label,group\nbra,line\n", 2, "The groups name 'bra', which is no class of these images. Did you mean 'bar'?"),
        ("label,group\nbar,x\ncross,x\ndot,x\n", 2, "All classes are in one group"),
        ("label;set\nbar;x\n", 3, "g.csv:1 is 'label;set'. The first line must name the columns label,group."),
        ("label,group\nbar,x\n\nbar,y\n", 3, "g.csv:4 puts 'bar' into 'y', and line 2 into 'x'."),
        ("label,group\nbar,\n", 3, "g.csv:2 has an empty label or group."),
        ("label,group\nbar\n", 3, "g.csv:2 has an empty label or group."),
        ("label,group\n", 3, "g.csv has a header, but no rows."),
        ("", 3, "g.csv is empty. --groups takes a table whose first line is: label,group"),
        (None, 3, "g.csv cannot be read: there is no such file."),
    ],
)
def test_groups_that_cannot_be_meant_are_refused(ilk: Ilk, pets: Path, text: str | None, code: int, said: str) -> None:
    if text is not None:
        Path("g.csv").write_text(text)
    refused = ilk("fit", pets, *SHORT, "--groups", "g.csv", "--out", "run")
    assert (refused.code, said in refused.error) == (code, True), refused
    assert not Path("run/model").exists()


def test_a_table_of_groups_is_read_as_spreadsheets_save_it(tmp_path: Path) -> None:
    path = tmp_path / "g.csv"
    for text in (
        "label,group\na,x\nb,x\na,x\n",
        "note\tLABEL\tgroup\n\ta\tx\n\tb\tx\n",
        'group|label\r\nx|a\r\nx|"b"\r\n',
    ):
        path.write_text(text)
        assert read_groups(path) == {"a": "x", "b": "x"}
    path.write_text("label,group\n")
    with pytest.raises(LabelsFileError, match="no rows"):
        read_groups(path)
    many = {f"c{i}": f"g{i % 8}" for i in range(80)}
    assert in_words(many).count("…") == 7
    assert in_words({"cat": "animal", "ship": "vehicle", "dog": "animal"}) == "animal (cat, dog), vehicle (ship)"
