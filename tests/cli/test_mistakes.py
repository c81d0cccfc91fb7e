"""What users do wrong, and what they must be told, written before it was tried: code, place, remedy, no traceback."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ilk.cli import main
from tests.cli.pictures import draw, snapshot, write_folders, write_table
from tests.finished_runs import SHORT, Finished, Ilk

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "errors.md"
NOBODY = 65534


@dataclass(frozen=True)
class Mistake:
    """A command line typed on the desk, and what must come of it.

    Args:
        line: as typed, without quotes; `~` stands for a space inside an argument.
        code: the exit code.
        words: each must be in the one sentence of refusal; the last is the remedy.
        spoil: what is done to the desk before.
    """

    line: str
    code: int
    words: tuple[str, ...]
    spoil: Callable[[Path], None] | None = None

    @property
    def arguments(self) -> list[str]:
        """The words of the line."""
        return [word.replace("~", " ") for word in self.line.split()]


def mistakes(code: int, *rows: tuple) -> list[Mistake]:
    return [Mistake(line, code, words, *spoil) for line, words, *spoil in rows]


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 255
    path.write_bytes(data)


def flip_weights(desk: Path) -> None:
    flip(desk / "run" / "model" / "weights.safetensors", -1)


def cut_embeddings(desk: Path) -> None:
    path = desk / "run" / "embeddings.parquet"
    path.write_bytes(path.read_bytes()[:-200])


def flip_a_vector(desk: Path) -> None:
    """One byte in the middle of the numbers, which no reader of Parquet notices by itself."""
    path = desk / "run" / "embeddings.parquet"
    flip(path, path.stat().st_size // 2)


def cut_config(desk: Path) -> None:
    path = desk / "run" / "config.json"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:4]) + b"    ")  # wherever the data lie


def cut_checksums(desk: Path) -> None:
    path = desk / "run" / "model" / "checksums.json"
    path.write_bytes(path.read_bytes()[:60])


def lose_weights(desk: Path) -> None:
    (desk / "run" / "model" / "weights.safetensors").unlink()


def lose_manifest(desk: Path) -> None:
    (desk / "run" / "manifest.csv").unlink()


def fifo_as_labels(desk: Path) -> None:
    os.mkfifo(desk / "pipe.csv")


def a_row_outside(desk: Path) -> None:
    with (desk / "flat" / "labels.csv").open("a") as file:
        file.write("../secret.png,bar\n")


def a_second_opinion(desk: Path) -> None:
    with (desk / "flat" / "labels.csv").open("a") as file:
        file.write("5-000.png,star\n")


def other_columns(desk: Path) -> None:
    (desk / "flat" / "labels.csv").write_text("name of it,what it is\n5-000.png,bar\n")


MISTAKES = [
    *mistakes(
        2,  # usage
        ("train pets", ("No such command 'train'", "Did you mean 'fit'?")),
        ("predit run pets", ("No such command 'predit'", "Did you mean 'predict'?")),
        ("eval run pets", ("No such command 'eval'", "Did you mean 'evaluate'?")),
        ("fit pets --lables labels.csv", ("--lables", "Did you mean --labels?")),
        ("fit /", ("/ is the whole computer", "the folder of your images")),
        ("predict run ///", ("the whole computer", "the folder of your images")),
        ("fit my pets", ("extra argument", "pets", "quotes")),
        ("fit pets --time 10 minutes", ("minutes", "quotes")),
        ("fit pets --time 10~minutes", ("'10 minutes'", "10m")),
        ("fit pets --time 0", ("'0'", "10m")),
        ("fit pets --time -5", ("'-5'", "10m")),
        ("fit pets --time 5m --epochs 3", ("--time or --epochs", "not both")),
        ("fit pets --epochs 0", ("epochs", "above 0")),
        ("fit pets --epochs nan", ("epochs", "above 0")),
        ("fit pets --epochs inf", ("epochs", "above 0")),
        ("fit pets --rate -1", ("--rate must be above 0", "not -1")),
        ("fit pets --rate inf", ("--rate must be above 0 and at most 1000",)),
        ("fit pets --rate 1e300", ("--rate must be above 0 and at most 1000",)),
        ("export run --out run/model/taken", ("run/model/taken lies in run/model", "outside")),
        ("fit pets --size 0", ("size 0", "from 1")),
        ("fit pets --size 3", ("3×3", "at least 8×8", "--size")),
        ("fit pets --network neighbor-minst", ("neighbor-minst", "Did you mean 'neighbor-mnist'?")),
        ("fit pets --network vit-b-16", ("vit-b-16", "neighbor-mnist")),
        ("fit pets --device cuda:99", ("cuda:99", "--device auto or cpu")),
        ("fit pets --device gpu", ("gpu", "auto, cpu, cuda")),
        ("fit pets --subset -1 --labels-per-class 1", ("--subset -1", "0 or more")),
        ("fit pets --max-pixels lots", ("'lots'", "100M")),
        ("fit pets --out color", ("color holds files but is no Ilk run", "--out")),
        ("fit pets --out run", ("run run is already there", "--overwrite")),
        ("fit pets --out flat/labels.csv", ("flat/labels.csv is a file", "--out")),
        ("fit pets --out flat/labels.csv/new", ("flat/labels.csv is a file", "--out")),
        ("predict pets run", ("pets", "no Ilk run", "ilk predict run pets")),
        ("search pets/test/dot run", ("no Ilk run", "ilk search run pets/test/dot")),
        ("predict rum pets", ("rum does not exist", "Did you mean run?")),
        ("predict unfinished pets", ("unfinished is not finished", "ilk resume unfinished")),
        ("predict run pets --out nodir/answers.csv", ("there is no folder nodir", "mkdir")),
        ("predict run pets --out color", ("color is a folder", "--out")),
        ("predict run pets --out flat/labels.csv", ("flat/labels.csv", "not written by Ilk", "--out")),
        ("search run pets", ("pets", "60 images", "one image")),
        ("search run pets/test/dot -k 0", ("-k", "1 or more")),
    ),
    *mistakes(
        3,  # data
        ("fit pest", ("pest", "pets")),
        ("fit notes.txt", ("notes.txt", "folder")),
        ("fit zips", ("zips", "no image")),
        ("fit empty", ("empty", "no image")),
        ("fit pets/train/unlabeled", ("label", "--labels")),
        ("fit lonely", ("all 2 labels name one class, 'bar'", "at least two classes")),
        ("fit flat --labels lables.csv", ("lables.csv",)),
        ("fit flat", ("labels.csv:1",), other_columns),
        ("fit flat", ("labels.csv:14",), a_row_outside),
        ("fit flat", ("labels.csv:14", "5-000.png"), a_second_opinion),
        ("fit flat --labels pipe.csv", ("pipe.csv",), fifo_as_labels),
        ("fit pets --labels-per-class 400", ("4 labels", "400")),
        ("fit run", ("run is a run of Ilk", "the images it was made from")),
        ("predict run run", ("run is a run of Ilk", "the images it was made from")),
        ("predict run pets --split val", ("val", "test")),
        ("predict run color", ("color", "gray")),
        ("predict color-run flat", ("gray", "color images")),
        ("evaluate run pets/train/unlabeled", ("no image has a label", "ilk predict")),
        ("evaluate run stars", ("none of its labels (star, sun)", "(bar, cross, dot)", "the model's words")),
        ("search run notes.txt", ("notes.txt",)),
    ),
    *mistakes(5, ("fit pets --size 100000", ("360.0 GB", "a smaller --size"))),
    *mistakes(
        4,  # a model or run that is not whole
        ("predict run pets", ("weights.safetensors is damaged", "ilk resume run"), flip_weights),
        ("predict run pets", ("weights.safetensors is missing", "ilk resume run"), lose_weights),
        ("predict run pets", ("run/model/checksums.json:", "is damaged", "ilk resume run"), cut_checksums),
        ("predict run pets", ("run/config.json:", "is damaged", "ilk fit"), cut_config),
        ("resume run", ("run/config.json:", "is damaged", "ilk fit"), cut_config),
        ("search run dot.png", ("run/embeddings.parquet", "ilk resume run"), cut_embeddings),
        ("search run dot.png", ("run/embeddings.parquet", "ilk resume run"), flip_a_vector),
        ("evaluate run pets", ("run/manifest.csv is missing", "again"), lose_manifest),
    ),
]


@pytest.fixture(scope="module")
def laid(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's desk: data of several kinds, a finished run of gray images and one of color images."""
    desk = tmp_path_factory.mktemp("desk")
    shutil.copytree(finished.data, desk / "pets")
    shutil.copytree(finished.run, desk / "run")
    drawn = draw(4, seed=5)
    write_table(desk / "flat", drawn, [picture.truth for picture in drawn])
    colored = draw(2, seed=6, color=True)
    write_folders(desk / "color", colored, [picture.truth for picture in colored])
    write_folders(desk / "lonely", draw(1, seed=7), ["bar", "bar", None])
    write_folders(desk / "stars", draw(1, seed=8), ["star", "sun", "sun"])
    shutil.copy(next((desk / "pets" / "test" / "dot").iterdir()), desk / "dot.png")
    (desk / "notes.txt").write_text("buy milk")
    (desk / "empty").mkdir()
    (desk / "zips").mkdir()
    (desk / "zips" / "pets.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    (desk / "unfinished").mkdir()
    config = json.loads((desk / "run" / "config.json").read_text()) | {"finished": False}
    (desk / "unfinished" / "config.json").write_text(json.dumps(config))
    assert main(["fit", str(desk / "color"), "--out", str(desk / "color-run"), *SHORT, "--quiet"]) == 0
    return desk


@pytest.fixture
def desk(laid: Path, tmp_path: Path) -> Path:
    """A fresh copy of the desk, to stand before."""
    return shutil.copytree(laid, tmp_path, dirs_exist_ok=True)


def test_there_are_forty() -> None:
    assert len({(mistake.line, mistake.spoil) for mistake in MISTAKES}) == len(MISTAKES) >= 40


def sentences_on_the_page() -> dict[str, list[str]]:
    """What docs/reference/errors.md shows: each command line, and all that is said to it."""
    shown: dict[str, list[str]] = {}
    for line, sentence in re.findall(r"^    ilk (.+)\n    error: (.+)$", PAGE.read_text("utf-8"), re.MULTILINE):
        shown.setdefault(line, []).append(sentence)
    return shown


def test_the_page_shows_only_what_is_tried_here() -> None:
    tried = [mistake.line for mistake in MISTAKES]
    shown = sentences_on_the_page()
    assert len(shown) > 20
    assert [line for line, sentences in shown.items() if tried.count(line) != len(sentences)] == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.line + (f" ({m.spoil.__name__})" if m.spoil else ""))
def test_a_mistake_is_refused_with_its_place_and_remedy(ilk: Ilk, desk: Path, mistake: Mistake) -> None:
    if mistake.spoil:
        mistake.spoil(desk)
    before = snapshot(desk)
    said = ilk(*mistake.arguments)
    assert said.code == mistake.code, said
    assert [word for word in mistake.words if word not in said.error] == [], said.error
    assert said.out == ""
    assert re.search(r"[.?!]$|: ilk [^.]+$|--help$", said.error), said.error
    assert snapshot(desk) == before
    if mistake.line in (shown := sentences_on_the_page()):
        assert said.error.replace(f"{desk}/", "") in shown[mistake.line]

    same = ilk(*mistake.arguments, "--json")
    assert same.events == [{"error": said.error, "exit_code": mistake.code}]


@pytest.fixture
def as_nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to stand in, as a user who is not root and so can be refused by a folder."""
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    place.chmod(0o755)
    monkeypatch.chdir(place)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    yield place
    if root:
        os.seteuid(0)
    shutil.rmtree(place)


def test_a_folder_that_may_not_be_read_or_written_is_named(
    ilk: Ilk, laid: Path, as_nobody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(as_nobody)
    user, me = os.geteuid(), 0 if os.getuid() == 0 else os.geteuid()
    os.seteuid(me)
    shutil.copytree(laid / "pets", "pets")
    shutil.copytree(laid / "run", "run")
    Path("closed").mkdir()
    Path("closed").chmod(0)
    os.seteuid(user)
    for line, code, words in (
        ("check closed", 3, ("closed",)),
        ("fit pets --epochs 1 --size 12 --out new", 2, ("new", "Permission denied", "that you may write to")),
        ("predict run pets --out answers.csv", 2, ("answers.csv", "Permission denied", "that you may write to")),
        ("predict run pets", 2, ("run/predictions-pets.csv", "Permission denied", "that you may write to")),
    ):
        said = ilk(*line.split())
        assert said.code == code, said
        assert [word for word in words if word not in said.error] == [], said.error
    os.seteuid(me)


@pytest.fixture
def small_disk() -> Iterator[Callable[[int], None]]:
    """small_disk(bytes): from then on no file can become longer, as on a full disk."""
    resource = pytest.importorskip("resource", reason="no file can be limited here")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_says_what_is_there_and_how_to_go_on(
    ilk: Ilk, desk: Path, small_disk: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    small_disk(60_000)  # room for config.json and train.log, not for a checkpoint
    said = ilk("fit", "pets", *SHORT, "--out", "new")
    assert said.code == 5
    assert "new/checkpoints/step-000000003.safetensors" in said.error
    assert "Free some space" in said.error
    assert said.error.endswith("No checkpoint was saved yet. Begin again with: ilk resume new")
    assert "Stopped" in Path("new/train.log").read_text()
    before = (desk / "run" / "predictions.csv").read_bytes()
    small_disk(500)
    said = ilk("predict", "run", "pets", "--out", "run/predictions.csv")
    assert said.code == 5
    assert "Free some space" in said.error
    assert (desk / "run" / "predictions.csv").read_bytes() == before
    small_disk(1 << 40)

    with monkeypatch.context() as patched:  # full only after the last checkpoint
        patched.setattr("ilk.runs.outputs.save_bundle", lambda *_: small_disk(500))
        said = ilk("resume", "new")
    small_disk(1 << 40)
    assert said.code == 5
    assert said.error.endswith("Go on from step 3 with: ilk resume new")
    assert ilk("resume", "new").code == 0


PARTS = ("manifest.csv", "skipped.csv", "metrics.csv", "predictions.csv", "embeddings.parquet", "model")


def test_resume_mends_a_finished_run_that_lost_parts(ilk: Ilk, desk: Path) -> None:
    """The same bytes and a report come back, from the last checkpoint; without one the lack is named."""
    kept = {path: path.read_bytes() for part in PARTS for path in files_of(desk / "run" / part)}
    for part in (*PARTS, "report.html"):
        shutil.rmtree(path) if (path := desk / "run" / part).is_dir() else path.unlink()
    said = ilk("resume", "run")
    assert said.code == 0
    assert all(part in said.err for part in (*PARTS, "report.html"))
    assert (desk / "run" / "report.html").is_file()
    assert [path.name for path, data in kept.items() if path.read_bytes() != data] == []
    flip_weights(desk)
    flip_a_vector(desk)
    assert "lacks model, embeddings.parquet or" in ilk("resume", "run").err
    assert [path.name for path, data in kept.items() if path.read_bytes() != data] == []
    assert "nothing to do" in ilk("resume", "run").out

    shutil.rmtree(desk / "run" / "checkpoints")
    lose_manifest(desk)
    said = ilk("resume", "run")
    assert said.code == 4
    assert "manifest.csv" in said.error
    assert "ilk fit" in said.error


def files_of(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]
