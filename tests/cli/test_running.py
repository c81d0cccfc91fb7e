"""A run that cannot begin leaves nothing behind and loses nothing; one that breaks off can go on, bit for bit."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor

from ilk.methods import NeighborMethod
from ilk.sampling import Batch
from ilk.storage.checkpoint import load_checkpoint
from ilk.storage.run import Run
from ilk.training import Moment
from tests.cli.pictures import draw, labels_of, png, snapshot, write_folders, write_table
from tests.cli.stopped import LONG, STEPS, assert_same_run, interrupt_after
from tests.finished_runs import SHORT, Finished, Ilk, Said


def empty(folder: Path) -> None:
    folder.mkdir()
    (folder / "notes.txt").write_text("no picture")


def broken(folder: Path) -> None:
    for name in ("bar", "dot"):
        (folder / name).mkdir(parents=True)
        (folder / name / "a.png").write_bytes(png(draw(1, seed=1)[0].pixels)[:60])


def without_labels(folder: Path) -> None:
    write_folders(folder, draw(2, seed=1), [None] * 6)


def one_class(folder: Path) -> None:
    write_folders(folder, draw(2, seed=1), ["bar", "bar", "bar", None, None, None])


def two_labels(folder: Path) -> None:
    write_folders(folder, drawn := draw(4, seed=1), labels_of(drawn, 2))


def contradicting(folder: Path) -> None:
    write_table(folder, drawn := draw(1, seed=1), [picture.truth for picture in drawn])
    with (folder / "labels.csv").open("a") as file:
        file.write(f"{drawn[0].name},star\n")


REFUSED: list[tuple[Callable[[Path], None], tuple[object, ...], int, str]] = [
    (empty, (), 3, "holds no image"),
    (broken, (), 3, "holds no image that can be used (2 skipped)"),
    (without_labels, (), 3, "none of its 6 images has a label"),
    (without_labels, ("--labels-per-class", 1), 3, "none of its 6 images has a label"),
    (one_class, (), 3, "all 3 labels name one class, 'bar'"),
    (two_labels, ("--labels-per-class", 3), 3, "has 2 labels, and 3 per class are asked for"),
    (contradicting, (), 3, "labels.csv:5"),
    (two_labels, ("--labels", "nowhere.csv"), 3, "nowhere.csv cannot be read"),
    (two_labels, ("--device", "tpu"), 2, "There is no device 'tpu'"),
    (two_labels, ("--device", "cuda:99"), 2, "The device 'cuda:99' is not usable here"),
    (two_labels, ("--size", 4), 2, "images of at least 8×8 pixels, not 4×4"),
    (two_labels, ("--size", 0), 2, "size 0 cannot be"),
    (two_labels, ("--augment", "some"), 2, "augment is one of affine, none"),
    (two_labels, ("--network", "neighbour-mnist"), 2, "Did you mean 'neighbor-mnist'?"),
    (two_labels, ("--epochs", 0), 2, "epochs must be above 0"),
    (two_labels, ("--epochs", "nan"), 2, "epochs must be above 0"),
    (two_labels, ("--time", "1m", "--epochs", 1), 2, "Give --time or --epochs, not both."),
    (two_labels, ("--time", "soon"), 2, "--time 'soon' is no time"),
    (two_labels, ("--time", "0s"), 2, "--time '0s' is no time"),
    (two_labels, ("--labels-per-class", 0), 2, "--labels-per-class must be 1 or more"),
    (two_labels, ("--labels-per-class", 1, "--subset", -1), 2, "--subset -1"),
    (two_labels, ("--max-pixels", "many"), 2, "'many' is no number of pixels"),
    (two_labels, ("--seed", -1), 2, "-1 is no seed"),
    (two_labels, ("--seed", 2**63), 2, f"{2**63} is no seed"),
    (two_labels, ("--epochs", "few"), 2, "Invalid value for '--epochs'"),
    (two_labels, ("--files", "*.parquet"), 3, "--files *.parquet matches no"),
]


@pytest.mark.parametrize(("make", "options", "code", "sentence"), REFUSED)
def test_a_refusal_leaves_nothing_and_loses_nothing(
    ilk: Ilk, finished: Finished, tmp_path: Path, make: Callable[[Path], None], options: tuple, code: int, sentence: str
) -> None:
    make(tmp_path / "pets")
    run = shutil.copytree(finished.run, tmp_path / "earlier")
    before = snapshot(tmp_path)
    for place in ("new", "earlier"):
        said = ilk("fit", "pets", *options, "--out", place, "--overwrite")
        assert said.code == code
        assert sentence in said.error
        assert snapshot(tmp_path) == before
        assert not (tmp_path / "new").exists()
    assert ilk("predict", run, finished.data, "--split", "test", "--out", "p.csv").code == 0


def test_a_run_that_is_there_is_kept(ilk: Ilk, finished: Finished, pets: Path) -> None:
    before = snapshot(finished.run)
    said = ilk("fit", pets, *SHORT, "--out", finished.run)
    assert said.code == 2
    assert "--overwrite" in said.error
    assert snapshot(finished.run) == before


@pytest.mark.parametrize("overwrite", [(), ("--overwrite",)])
def test_a_folder_that_is_no_run_is_kept(ilk: Ilk, pets: Path, overwrite: tuple[str, ...]) -> None:
    before = snapshot(pets)
    for place in (pets, pets / "bar", next(pets.rglob("*.png"))):
        said = ilk("fit", pets, *SHORT, "--out", place, *overwrite)
        assert said.code == 2
        assert "--out" in said.error
    assert snapshot(pets) == before
    Path("new").mkdir()
    assert ilk("fit", pets, *SHORT, "--out", "new", *overwrite).code == 0  # an empty folder is free


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_goes_on_bit_for_bit(
    ilk: Ilk, pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    assert ilk("fit", pets, *LONG, "--out", "whole").code == 0
    before = signal.getsignal(number)
    with monkeypatch.context() as patched:
        interrupt_after(4, patched, number=number)
        said = ilk("fit", pets, *LONG, "--out", "broken")
    assert said.code == 130
    assert said.error == "Stopped after step 4; the state is saved. Go on with: ilk resume broken"
    assert signal.getsignal(number) is before
    image = next(pets.rglob("*.png"))
    for command, what in (("evaluate", pets), ("predict", pets), ("embed", pets), ("search", image)):
        refused = ilk(command, "broken", what)
        assert refused.code == 2
        assert refused.error.endswith("Go on with: ilk resume broken")

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    events = ilk("resume", tmp_path / "broken", "--json").events
    assert events[0]["event"] == "resumed"
    assert events[0]["step"] == 4
    assert [event["step"] for event in events[1:-1]] == [5, 6]
    assert_same_run(tmp_path / "whole", tmp_path / "broken")


def test_a_second_signal_stops_at_once_and_the_run_begins_again(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ilk("fit", pets, *LONG, "--out", "whole").code == 0
    with monkeypatch.context() as patched:
        interrupt_after(3, patched, times=2)
        said = ilk("fit", pets, *LONG, "--out", "broken")
    assert said.code == 130
    assert said.error.endswith("with: ilk resume broken")
    assert ilk("resume", "broken", "--json").events[0]["step"] == 0
    assert_same_run(Path("whole"), Path("broken"))


def test_stopping_while_the_answers_are_written_can_go_on_too(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("ilk.runs.outputs.write_manifest", stop)
        said = ilk("fit", pets, *LONG, "--out", "broken")
    assert said.code == 130
    assert said.error.endswith("with: ilk resume broken")
    assert ilk("resume", "broken", "--json").events[0]["step"] == STEPS
    assert ilk("fit", pets, *LONG, "--out", "whole").code == 0
    assert_same_run(Path("whole"), Path("broken"))


def poison(monkeypatch: pytest.MonkeyPatch, bad: Callable[[int], bool]) -> None:
    """Make the loss of some steps, counted from 0, not a number."""
    real = NeighborMethod.terms

    def poisoned(self: NeighborMethod, batch: Batch, moment: Moment) -> dict[str, Tensor]:
        terms = real(self, batch, moment)
        return terms | {"labeled": terms["labeled"] * (float("nan") if bad(moment.step) else 1.0)}

    monkeypatch.setattr(NeighborMethod, "terms", poisoned)


def divergence(ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch, since: int) -> Said:
    with monkeypatch.context() as patched:
        poison(patched, lambda number: number >= since)
        return ilk("fit", pets, "--epochs", 12, "--size", 12, "--out", "broken", "--overwrite")


def test_a_step_that_is_no_number_is_skipped_counted_and_said_everywhere(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        poison(patched, {1, 3}.__contains__)
        said = ilk("fit", pets, *LONG, "--out", "run")
    assert said.code == 0
    assert [line for line in said.err.splitlines() if "warning" in line] == [
        f"warning: step {n} was skipped, because the loss was not a finite number; the weights are as before it"
        for n in (2, 4)
    ]
    note = "2 steps were skipped, because the loss or a gradient was not a finite number"
    assert f"Note    {note}" in said.out
    assert "step 4 was skipped" in Path("run/train.log").read_text()
    assert note in Path("run/report.html").read_text()
    assert "nan" not in Path("run/metrics.csv").read_text()


def test_five_losses_that_are_no_numbers_end_the_run_name_the_images_and_keep_the_state(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = divergence(ilk, pets, monkeypatch, since=4)
    assert said.code == 6
    assert said.error.startswith("At step 9, the loss is not a finite number, for the 5th step in a row. Look for")
    assert said.error.endswith("begin again by `ilk fit` with a smaller --rate.")
    assert "ilk resume" not in said.error
    (line,) = (line for line in said.err.splitlines() if "the images of the last of these steps" in line)
    named = set(line.split(": ")[-1].split(", "))
    names = {path.relative_to(pets).as_posix() for path in pets.rglob("*.png")}
    assert named <= names
    assert len(named) > len(names) / 2  # 96 of the pool alone are drawn from 24
    assert line.removeprefix("warning: ") in Path("broken/train.log").read_text()
    checkpoint = load_checkpoint(Run(Path("broken")))
    assert checkpoint is not None
    tensors, place = checkpoint
    assert place["step"] == 9
    assert all(tensor.isfinite().all() for tensor in tensors.values())

    goes_on = ilk("resume", "broken", "--json").events  # the cause has gone
    assert [event.get("step") for event in goes_on[:3]] == [9, 10, 11]
    assert ilk("predict", "broken", pets, "--out", "p.csv").code == 0


def test_a_run_that_diverges_at_once_leaves_no_model_not_even_an_earlier_one(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ilk("fit", pets, *SHORT, "--out", "broken").code == 0
    assert divergence(ilk, pets, monkeypatch, since=0).code == 6
    assert not Path("broken/model").exists()
    assert ilk("predict", "broken", pets).code == 2
