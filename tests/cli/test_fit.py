"""`ilk fit`: from each form of data to a whole run folder; every image is accounted for, no user file touched."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.pictures import (
    CLASSES,
    draw,
    labels_of,
    png,
    rows,
    snapshot,
    write_folders,
    write_idx,
    write_parquet,
    write_table,
)
from tests.finished_runs import LABELS, SHORT, Finished, Ilk

FILES = {
    *("report.html", "config.json", "manifest.csv", "skipped.csv", "labels_unmatched.csv", "metrics.csv"),
    *("predictions.csv", *(f"plots/{name}.png" for name in ("confusion", "curves", "labels", "map", "reliability"))),
    *("embeddings.parquet", "labeled.safetensors", "train.log"),
    *(f"model/{name}.safetensors" for name in ("weights", "references", "self_test")),
    *("model/model.json", "model/reference_names.jsonl", "model/checksums.json"),
}
FORMS = ("folders", "table", "parquet", "idx")


def data_in(form: str, folder: Path) -> tuple[Path, int, set[str]]:
    """24 pictures with four labels a class in some form: its path, how many are broken, the names of the labeled."""
    drawn = draw(8, seed=3)
    labels = labels_of(drawn, LABELS)
    names = {picture.name for picture, label in zip(drawn, labels, strict=True) if label}
    if form == "idx":
        return write_idx(folder, drawn), 0, set()
    if form == "parquet":
        return write_parquet(folder, drawn, labels), 0, names
    data = write_folders(folder, drawn, labels) if form == "folders" else write_table(folder, drawn, labels)
    (data / ("unlabeled" if form == "folders" else "") / "broken.png").write_bytes(png(drawn[0].pixels)[:70])
    (data / "notes.txt").write_text("not a picture")
    return data, 1, names


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_data_becomes_a_whole_run(ilk: Ilk, tmp_path: Path, form: str) -> None:
    data, broken, labeled = data_in(form, tmp_path / "pets")
    before = snapshot(data)
    hide = ("--labels-per-class", LABELS) if form == "idx" else ()
    said = ilk("fit", "pets", *SHORT, *hide)
    run = tmp_path / "runs" / "pets"
    assert said.code == 0, said
    assert snapshot(data) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pets", "runs"]

    files = {name for name in snapshot(run) if not name.startswith("checkpoints/")}
    assert files == FILES
    assert f"{24 + broken} found = 24 used + {broken} skipped" in said.out
    assert [row["file"].rsplit("/")[-1] for row in rows(run / "skipped.csv")] == ["broken.png"] * broken
    manifest, predictions = rows(run / "manifest.csv"), rows(run / "predictions.csv")
    names = [row["filename"] for row in manifest]
    assert [row["filename"] for row in predictions] == names
    assert len(set(names)) == 24

    known = {row["filename"]: row["label"] for row in manifest if row["label"]}
    counts = Counter(known.values())
    assert sorted(counts.values()) == [LABELS] * 3
    if form != "idx":
        assert set(counts) == set(CLASSES)
        assert {name.rsplit("/")[-1] for name in known} == labeled
        truths = {picture.name: picture.truth for picture in draw(8, seed=3)}
        assert all(truths[name.rsplit("/")[-1]] == label for name, label in known.items())
    assert {row["label"] for row in predictions} <= set(counts)
    assert f"Ready   {sum(row['status'] == 'sure' for row in predictions)} sure" in said.out


def test_the_page_needs_no_other_file(finished: Finished) -> None:
    page = (finished.run / "report.html").read_text("utf-8")
    links = re.findall(r"""(?:src|href|srcset|action)\s*=\s*["']([^"']*)|url\(([^)]*)\)|@import""", page)
    assert links  # pictures at least
    assert all((a or b).lstrip("\"'").startswith(("data:", "#")) for a, b in links)
    assert "<script" not in page
    assert "ilk predict" in page


def test_the_config_says_what_was_asked(finished: Finished) -> None:
    config = json.loads((finished.run / "config.json").read_text())
    assert config["finished"] is True
    assert config["request"]["data"] == str(finished.data)
    assert (config["request"]["size"], config["request"]["settings"]["epochs"]) == (12, 24.0)
    assert {"python", "torch", "ilk"} <= config["versions"].keys()
    assert re.fullmatch("[0-9a-f]{64}", config["data_hash"])


def test_json_lines_and_nothing_else(ilk: Ilk, pets: Path) -> None:
    said = ilk("fit", pets, *SHORT, "--json")
    data, *epochs, ready = said.events
    assert (data["event"], data["found"], data["used"], data["skipped"]) == ("data", 24, 24, 0)
    assert (data["labeled"], data["unlabeled"], data["classes"]) == (12, 12, dict.fromkeys(CLASSES, LABELS))
    assert [event["step"] for event in epochs] == [1, 2, 3]
    assert all(event["event"] == "epoch" for event in epochs)
    assert all({"labeled", "entropy", "own_error"} <= event.keys() for event in epochs)
    assert (ready["event"], ready["steps"]) == ("ready", 3)
    assert ready["sure"] + ready["check"] + ready["unlike"] == 24
    assert Path(ready["predictions"]).is_file()
    assert "Plan" in said.err
    assert [int(float(row["step"])) for row in rows(Path("runs/pets/metrics.csv"))] == [1, 2, 3]


def test_quiet_says_nothing_and_a_fraction_of_an_epoch_is_enough(ilk: Ilk, pets: Path) -> None:
    said = ilk("fit", pets, "--epochs", "0.2", "--size", 12, "--quiet")
    assert (said.code, said.out) == (0, "")
    assert all(line.startswith("warning: ") for line in said.err.splitlines())


def test_each_record_is_one_line_with_its_place_in_the_run(ilk: Ilk, pets: Path) -> None:
    said = ilk("fit", pets, *SHORT)
    places = re.findall(r"^epoch +([\d.]+)/([\d.]+) .*entropy [\d.]+ .*left ", said.out, re.MULTILINE)
    assert places == [("1.0", "3.0"), ("2.0", "3.0"), ("3.0", "3.0")]


def test_a_warning_is_said_once_whatever_its_figures(ilk: Ilk, pets: Path) -> None:
    said = ilk("fit", pets, "--epochs", 4, "--size", 12, "--network", "neighbor-2d")
    gists = [re.sub(r"[\d.]+", "", line) for line in said.err.splitlines() if line.startswith("warning: ")]
    assert gists
    assert len(gists) == len(set(gists))


def test_the_same_seed_is_the_same_run_to_the_byte(ilk: Ilk, pets: Path) -> None:
    for out, seed in (("a", 5), ("b", 5), ("c", 6)):
        assert ilk("fit", pets, *SHORT, "--out", out, "--seed", seed).code == 0
    for name in ("predictions.csv", "metrics.csv", "model/weights.safetensors", "embeddings.parquet"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes()
        assert Path("a", name).read_bytes() != Path("c", name).read_bytes()


def test_overwrite_replaces_a_run_and_leaves_other_files(ilk: Ilk, pets: Path) -> None:
    assert ilk("fit", pets, *SHORT, "--overwrite").code == 0  # on a new path it is no error
    first = Path("runs/pets/predictions.csv").read_bytes()
    Path("runs/pets/my notes.txt").write_text("keep")
    assert ilk("fit", pets, "--epochs", 2, "--size", 12, "--overwrite").code == 0
    assert Path("runs/pets/predictions.csv").read_bytes() != first
    assert Path("runs/pets/my notes.txt").read_text() == "keep"
    assert {path.stem for path in Path("runs/pets/checkpoints").iterdir()} == {"step-000000002"}


@pytest.mark.slow
def test_a_time_limit_holds(ilk: Ilk, pets: Path) -> None:
    limit = 20
    began = time.monotonic()
    assert ilk("fit", pets, "--time", f"{limit}s", "--size", 12).code == 0
    took = time.monotonic() - began
    assert 0.4 * limit < took <= 1.1 * limit + 20


def test_one_label_for_each_class_leaves_nothing_to_leave_out(ilk: Ilk, tmp_path: Path) -> None:
    data = write_folders(tmp_path / "few", draw(3, seed=2), ["bar", "cross", "dot", *[None] * 6])
    said = ilk("fit", data, "--out", tmp_path / "run", "--epochs", 0.5)
    assert said.code == 0
    assert "own labels: one for each class, so nothing to leave out" in said.out
    assert "0 of 3" not in (tmp_path / "run" / "report.html").read_text("utf-8")
