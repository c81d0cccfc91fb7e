"""What a run is asked to use, and what it cannot reach: hidden labels, and the test split."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ilk.errors import ModelError, UsageError
from ilk.runs.request import Request, request_of
from tests.cli.pictures import CLASSES, draw, labels_of, rows, snapshot, write_folders, write_parquet
from tests.finished_runs import SHORT, Ilk

ROOT = Path(__file__).resolve().parents[2]
TIMELESS = ("train.log", "config.json", "report.html")


def contents(run: Path) -> dict[str, str]:
    """The hash of every file of a run but those that hold times and places."""
    return {name: digest for name, (digest, _) in snapshot(run).items() if name not in TIMELESS}


def test_a_hidden_label_is_as_if_it_had_never_been(ilk: Ilk, tmp_path: Path) -> None:
    """The run on hidden labels is, byte for byte, the run on a file in which those labels are null."""
    drawn = draw(8, seed=3)
    write_parquet(tmp_path / "hidden/pets", drawn, [picture.truth for picture in drawn])
    options = ("--labels-per-class", 3, "--subset", 1, "--out", "hidden/run")
    assert ilk("fit", "hidden/pets", *SHORT, *options).code == 0
    kept = {row["filename"]: row["label"] for row in rows(tmp_path / "hidden/run/manifest.csv") if row["label"]}
    assert sorted(kept.values()) == sorted(CLASSES * 3)

    write_parquet(tmp_path / "absent/pets", drawn, [kept.get(picture.name) for picture in drawn])
    assert ilk("fit", "absent/pets", *SHORT, "--out", "absent/run").code == 0
    assert contents(tmp_path / "hidden/run") == contents(tmp_path / "absent/run")
    pages = [(tmp_path / name / "run/report.html").read_text() for name in ("hidden", "absent")]
    hidden, absent = (re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "now", page) for page in pages)
    assert hidden.replace("hidden/", "absent/").replace(" --labels-per-class 3 --subset 1", "") == absent


def test_subsets_are_balanced_and_differ(ilk: Ilk, tmp_path: Path) -> None:
    drawn = draw(8, seed=3)
    write_folders(tmp_path / "all", drawn, [picture.truth for picture in drawn])
    kept = []
    for subset in (0, 1, 0):
        options = ("--labels-per-class", 3, "--subset", subset, "--overwrite", "--epochs", "0.1", "--size", 8)
        assert ilk("fit", "all", *options).code == 0
        kept.append({r["filename"] for r in rows(tmp_path / "runs/all/manifest.csv") if r["label"]})
    assert kept[0] == kept[2] != kept[1]
    table = pq.read_table(tmp_path / "runs/all/embeddings.parquet")
    assert len(table) - table["label"].null_count == 9


@pytest.mark.parametrize("form", ["folders", "parquet"])
def test_fit_never_reads_the_test_images(ilk: Ilk, tmp_path: Path, form: str) -> None:
    train, test = draw(8, seed=3), draw(4, seed=4)
    if form == "folders":
        write_folders(tmp_path / "pets/train", train, labels_of(train, 4))
        write_folders(tmp_path / "pets/test", test, [picture.truth for picture in test])
    else:
        write_parquet(tmp_path / "pets", train, labels_of(train, 4))
        write_parquet(tmp_path / "pets", test, [picture.truth for picture in test], split="test")
    assert ilk("fit", "pets", *SHORT, "--out", "first/run").code == 0
    if form == "folders":
        for path in (tmp_path / "pets/test").rglob("*.png"):
            path.write_bytes(b"damaged")
    else:  # the footer, which says how many rows there are, stays whole
        path = tmp_path / "pets/test-00000-of-00001.parquet"
        data = bytearray(path.read_bytes())
        data[4:2000] = bytes(1996)
        path.write_bytes(data)
        assert ilk("predict", "first/run", "pets", "--split", "test", "--out", "p.csv").code == 3
    assert ilk("fit", "pets", *SHORT, "--out", "second/run").code == 0
    assert contents(tmp_path / "first/run") == contents(tmp_path / "second/run")
    assert len(rows(tmp_path / "second/run/predictions.csv")) == 24


def test_a_request_survives_its_config() -> None:
    request = Request(
        "/data", epochs=0.5, seed=3, labels="/l.csv", size=(12, 14), labels_per_class=2, keep_epochs=(0.5,)
    )
    assert request_of({"request": json.loads(json.dumps(request.as_config()))}) == request


def test_paths_are_found_again_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    request = Request("pets", epochs=1.0, labels="l.csv", start="runs/old")
    monkeypatch.chdir("/")
    assert (request.data, request.labels, request.start) == tuple(
        map(str, (tmp_path / p for p in ("pets", "l.csv", "runs/old")))
    )


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"labels_per_class": 0}, "labels_per_class"),
        ({"subset": -1}, "subset"),
        ({"epochs": float("nan")}, "epochs"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": 1e4}, "learning_rate"),
        ({"checkpoint_every": "soon"}, "checkpoint_every"),
    ],
)
def test_a_value_out_of_its_range_is_named_as_in_python(options: dict, name: str) -> None:
    with pytest.raises(UsageError, match=f"^`{name}` "):
        Request("/data", **options)


@pytest.mark.parametrize("change", [{"settings": {"epochs": 1.0}}, {"settings": None}, {"color": "red"}])
def test_a_config_of_another_version_is_refused(change: dict) -> None:
    config = {"request": Request("/data", epochs=1.0).as_config() | change}
    with pytest.raises(ModelError, match=r"config\.json does not describe"):
        request_of(config)
    with pytest.raises(ModelError, match=r"config\.json does not describe"):
        request_of({})


def test_a_request_needs_no_torch() -> None:
    """The folder of a run is begun, and can be resumed, before torch is imported."""
    code = "import sys; import ilk.runs.fit, ilk.cli; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False\n"
