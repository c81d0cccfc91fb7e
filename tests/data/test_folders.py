"""Folders of classes and flat folders with a table, written small and read back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ilk.data import UNLABELED, load, splits
from ilk.data.dataset import UnmatchedRow
from ilk.errors import (
    ChannelsError,
    DataError,
    LabelsFileError,
    NoImagesError,
    NoLabelsError,
    OneClassError,
    UsageError,
)


def put(root: Path, *names: str, color: bool = False, side: int = 28) -> None:
    """Write an image under each name; its gray value is its place in the list."""
    for value, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB" if color else "L", (side, side), (value, 0, 0) if color else value).save(path, "PNG")


def labels_of(dataset) -> dict[str, str | None]:
    return {
        name: dataset.classes[target] if target != UNLABELED else None
        for name, target in zip(dataset.names, dataset.targets, strict=True)
    }


def test_folders_of_classes(tmp_path: Path) -> None:
    put(tmp_path, "dog/a.png", "cat/b.png", "cat/deep/c.png", "unlabeled/d.png", "Unlabelled/e.png", "loose.png")
    dataset = load(tmp_path)
    assert dataset.classes == ("cat", "dog")
    assert labels_of(dataset) == {
        "dog/a.png": "dog",
        "cat/b.png": "cat",
        "cat/deep/c.png": "cat",
        "unlabeled/d.png": None,
        "Unlabelled/e.png": None,
        "loose.png": None,
    }
    assert dataset.images[dataset.names.index("cat/deep/c.png")].tolist() == np.full((1, 28, 28), 2).tolist()
    assert dataset.images.shape == (6, 1, 28, 28)
    assert dataset.gray.all()
    assert splits(tmp_path) == ()


def test_classes_named_by_numbers_are_in_their_order(tmp_path: Path) -> None:
    put(tmp_path, "10/a.png", "9/b.png", "-1/c.png")
    assert load(tmp_path).classes == ("-1", "9", "10")


def test_splits_above_the_classes(tmp_path: Path) -> None:
    put(tmp_path, "train/a/1.png", "Validation/a/2.png", "test/b/3.png", "unlabeled/4.png", "train/unlabeled/5.png")
    assert splits(tmp_path) == ("train", "val", "test")
    train = load(tmp_path, split="train")
    assert labels_of(train) == {"train/a/1.png": "a", "train/unlabeled/5.png": None, "unlabeled/4.png": None}
    assert train.notes == ("1 val images set aside.", "1 test images set aside.")
    assert labels_of(load(tmp_path, split="val")) == {"Validation/a/2.png": "a"}
    assert load(tmp_path, split="all").classes == ("a", "b")
    with pytest.raises(UsageError, match="tests"):
        load(tmp_path, split="tests")


def test_a_train_is_also_a_vehicle(tmp_path: Path) -> None:
    put(tmp_path, "train/1.png", "bus/2.png")
    assert load(tmp_path).classes == ("bus", "train")
    with pytest.raises(DataError, match="no test split"):
        load(tmp_path, split="test")


def test_a_split_that_is_not_there_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "train/a/1.png", "test/a/2.png")
    with pytest.raises(DataError, match="It has: train, test"):
        load(tmp_path, split="val")


def test_what_is_ignored_is_counted_and_what_does_not_decode_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a/1.png", "b/2.png", ".hidden/3.png", "a/.4.png", "__MACOSX/5.png", "runs/x/plots/6.png")
    (tmp_path / "a/Thumbs.db").touch()
    (tmp_path / "a/notes.txt").touch()
    (tmp_path / "runs/x/config.json").write_text(json.dumps({"ilk": "0.1.0"}))
    (tmp_path / "b/text.jpg").write_text("no image")
    os.mkfifo(tmp_path / "b/pipe.png")
    (tmp_path / "b/folder.png").mkdir()
    (tmp_path / "b/gone.png").symlink_to("nowhere.png")
    (tmp_path / "c").mkdir()
    (tmp_path / "a/loop").symlink_to(tmp_path)
    dataset = load(tmp_path)
    assert sorted(dataset.names) == ["a/1.png", "b/2.png"]
    assert [skip.file for skip in dataset.skipped] == ["b/folder.png", "b/gone.png", "b/pipe.png", "b/text.jpg"]
    # .hidden, .4.png, __MACOSX, the run, Thumbs.db, notes.txt, and the link back to the root
    assert dataset.ignored == 7
    assert dataset.found == 6
    assert "c" in dataset.notes[0]
    assert "hold no image" in dataset.notes[0]


def test_the_folder_of_earlier_runs_is_no_class(tmp_path: Path) -> None:
    put(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "runs/x").mkdir(parents=True)
    (tmp_path / "runs/x/config.json").write_text(json.dumps({"ilk": "0.1.0"}))
    assert load(tmp_path).notes == ()


def test_a_folder_with_another_config_is_a_class(tmp_path: Path) -> None:
    put(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "a/config.json").write_text('{"camera": 3}')
    assert load(tmp_path).classes == ("a", "b")


def test_a_run_is_no_source(tmp_path: Path) -> None:
    put(tmp_path, "plots/1.png")
    (tmp_path / "config.json").write_text('{"ilk": "0.1.0"}')
    with pytest.raises(DataError, match="a run of Ilk"):
        load(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(NoImagesError, match="holds no image"):
        load(tmp_path)
    (tmp_path / "pets").mkdir()
    with pytest.raises(DataError, match=r"Did you mean .*pets"):
        load(tmp_path / "pest")
    with pytest.raises(DataError, match=r"Did you mean .*pets"):
        load(tmp_path / "PETS!")
    (tmp_path / "pets/a.mp4").touch()
    with pytest.raises(NoImagesError, match=r"1 x \.mp4"):
        load(tmp_path / "pets")


def test_only_damaged_images_give_an_empty_dataset_with_reasons(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"PNG?")
    dataset = load(tmp_path)
    assert len(dataset) == 0
    assert dataset.skipped[0].file == "a.png"
    with pytest.raises(NoImagesError, match="1 skipped"):
        dataset.require_trainable()


def test_a_single_image(tmp_path: Path) -> None:
    put(tmp_path, "one.png")
    assert labels_of(load(tmp_path / "one.png")) == {"one.png": None}


def test_user_files_keep_their_bytes_and_times(tmp_path: Path) -> None:
    put(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "labels.csv").write_text("filename,label\na/1.png,x\n")

    def state() -> list:
        files = sorted(path for path in tmp_path.rglob("*") if path.is_file())
        return [(path, path.read_bytes(), path.stat().st_mtime_ns) for path in files]

    before = state()
    load(tmp_path)
    assert state() == before


def test_automatic_size_follows_the_median_longer_side(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "b.png", side=20)
    put(tmp_path, "c.png", side=500)
    assert load(tmp_path).images.shape == (3, 1, 28, 28)
    put(tmp_path, "d.png", "e.png", side=29)
    assert load(tmp_path).images.shape == (5, 1, 32, 32)
    assert load(tmp_path, size=9).images.shape == (5, 1, 9, 9)
    assert load(tmp_path, size=(9, 7)).images.shape == (5, 1, 9, 7)
    with pytest.raises(UsageError, match="size 0"):
        load(tmp_path, size=0)


def test_channels(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "b.png")
    assert load(tmp_path, channels=3).images.shape == (2, 3, 28, 28)
    put(tmp_path, "c.png", color=True)
    dataset = load(tmp_path)
    assert dataset.images.shape == (3, 3, 28, 28)
    assert dataset.gray.tolist() == [True, True, False]
    with pytest.raises(ChannelsError, match=r"c\.png"):
        load(tmp_path, channels=1)


def test_gray_again_when_the_only_color_image_is_truncated(tmp_path: Path) -> None:
    put(tmp_path, "a.png")
    put(tmp_path, "b.png", color=True)
    (tmp_path / "b.png").write_bytes((tmp_path / "b.png").read_bytes()[:60])
    dataset = load(tmp_path)
    assert dataset.images.shape == (1, 1, 28, 28)
    assert len(dataset.skipped) == 1


def test_order_and_progress_with_more_images_than_a_block(tmp_path: Path) -> None:
    put(tmp_path, *(f"{i:04}.png" for i in range(250)), side=8)
    calls: list[tuple[int, int]] = []
    dataset = load(tmp_path, size=8, on_progress=lambda done, total: calls.append((done, total)))
    assert dataset.images[:, 0, 0, 0].tolist() == list(range(250))
    assert calls[-1] == (250, 250)
    assert calls == sorted(calls)


# --- a flat folder with a table ---


def test_labels_csv(tmp_path: Path) -> None:
    put(tmp_path, "1.png", "2.png", "sub/3.png", "4.png", "5.png")
    table = '\ufefffilename,label\r\n1.png,NA\r\n./2.png,"-1"\r\n\r\nsub/3.png, None \r\n4.png,\r\n9.png,x\r\n'
    (tmp_path / "labels.csv").write_bytes(table.encode())
    dataset = load(tmp_path)
    assert labels_of(dataset) == {"1.png": "NA", "2.png": "-1", "sub/3.png": "None", "4.png": None, "5.png": None}
    assert dataset.ignored == 0
    assert "Line 7 names '9.png', but there is no such file. Nearest: '1.png'." in dataset.notes[0]
    assert dataset.unmatched == (UnmatchedRow(7, "9.png", "x", "1.png"),)


def test_a_table_elsewhere_with_other_words(tmp_path: Path) -> None:
    put(tmp_path / "images", "1.png", "2.png")
    table = tmp_path / "t.tsv"
    table.write_text(f"Class\timage_path\tauthor\nx\t{tmp_path}/images/1.png\tme\n")
    assert labels_of(load(tmp_path / "images", labels=table)) == {"1.png": "x", "2.png": None}


def test_a_flat_folder_without_a_table_is_unlabeled(tmp_path: Path) -> None:
    put(tmp_path, "1.png", "2.png")
    assert load(tmp_path).classes == ()


def test_a_row_for_a_damaged_image_is_no_row_without_an_image(tmp_path: Path) -> None:
    put(tmp_path, "1.png", "2.png")
    (tmp_path / "3.png").write_bytes(b"")
    (tmp_path / "4.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "labels.csv").write_text("filename,label\n1.png,a\n3.png,b\n4.heic,c\n")
    dataset = load(tmp_path)
    assert dataset.unmatched == ()
    assert [skip.file for skip in dataset.skipped] == ["3.png", "4.HEIC"]
    assert (dataset.found, len(dataset), dataset.ignored) == (4, 2, 0)


@pytest.mark.parametrize("name", ["Labels.CSV", "labels.tsv", "LABELS.csv"])
def test_a_labels_file_in_any_letter_case_is_found(tmp_path: Path, name: str) -> None:
    put(tmp_path, "1.png", "2.png")
    (tmp_path / name).write_text("filename\tlabel\n1.png\ta\n")
    dataset = load(tmp_path)
    assert labels_of(dataset) == {"1.png": "a", "2.png": None}
    assert (dataset.ignored, dataset.notes) == (0, ())


def test_of_two_labels_files_the_plainest_is_used_and_named(tmp_path: Path) -> None:
    put(tmp_path, "1.png")
    for name, label in (("LABELS.csv", "x"), ("labels.csv", "a"), ("labels.tsv", "y")):
        (tmp_path / name).write_text(f"filename,label\n1.png,{label}\n")
    dataset = load(tmp_path)
    assert dataset.classes == ("a",)
    assert dataset.notes == (f"Labels are read from {tmp_path}/labels.csv, not from labels.tsv, LABELS.csv.",)
    assert dataset.ignored == 2
    assert load(tmp_path, labels=tmp_path / "labels.tsv").classes == ("y",)


def test_a_table_wins_over_folders_of_classes_and_says_so(tmp_path: Path) -> None:
    put(tmp_path, "cat/1.png", "dog/2.png", "unlabeled/3.png")
    (tmp_path / "labels.csv").write_text("filename,label\ncat/1.png,old\nunlabeled/3.png,young\n")
    dataset = load(tmp_path)
    assert labels_of(dataset) == {"cat/1.png": "old", "dog/2.png": None, "unlabeled/3.png": "young"}
    assert "the names of the folders (cat, dog) are not taken for classes" in dataset.notes[0]


def test_where_the_labels_may_be_is_said_when_there_are_none(tmp_path: Path) -> None:
    put(tmp_path, "1.png", "2.png")
    (tmp_path / "a.csv").write_text("time,temperature\n1,2\n")
    (tmp_path / "my list.csv").write_text("file;class\n1.png;a\n")
    dataset = load(tmp_path)
    with pytest.raises(NoLabelsError, match=r"none of its 2 images .* Labels may be in my list\.csv: give `labels` '/"):
        dataset.require_trainable()
    with pytest.raises(OneClassError, match=r"name one class, 'a'.*read from .*my list\.csv\."):
        load(tmp_path, labels=tmp_path / "my list.csv").require_trainable()


def test_a_table_of_which_nothing_fits_is_named_when_there_are_no_labels(tmp_path: Path) -> None:
    put(tmp_path, "pic1.png", "pic2.png")
    (tmp_path / "labels.csv").write_text("filename,label\npict1.png,a\npict2.png,b\n")
    with pytest.raises(
        NoLabelsError, match=r"2 rows name no image here: the first is line 2, 'pict1.png' \(nearest: '"
    ):
        load(tmp_path).require_trainable()


def test_classes_that_lie_one_level_deeper_are_pointed_at(tmp_path: Path) -> None:
    put(tmp_path, "data/pets/cat/1.png", "data/pets/dog/2.png")
    with pytest.raises(OneClassError, match=r"one class, 'pets'.* \(cat, dog\), name .*/data/pets instead\."):
        load(tmp_path / "data").require_trainable()
    assert load(tmp_path / "data/pets").classes == ("cat", "dog")


@pytest.mark.parametrize("found_in", ["folders", "table"])
def test_two_spellings_of_a_class_are_one_and_two_letter_cases_are_two(tmp_path: Path, found_in: str) -> None:
    classes = ["cafe\u0301", "caf\u00e9", "Cat", "cat"]
    names = [f"{name}/{number}.png" for number, name in enumerate(classes)]
    if found_in == "table":
        names = [f"{number}.png" for number in range(4)]
        rows = "".join(f"{name},{label}\n" for name, label in zip(names, classes, strict=True))
        (tmp_path / "labels.csv").write_text(f"filename,label\n{rows}")
    put(tmp_path, *names)
    dataset = load(tmp_path)
    assert dataset.counts() == {"Cat": 1, "caf\u00e9": 2, "cat": 1}
    spelling, case = dataset.notes
    assert "two Unicode spellings, and taken as one class each: caf\u00e9." in spelling
    assert "kept apart: 'Cat' (1) and 'cat' (1). Did you mean one class?" in case


def test_links_loops_and_odd_names(tmp_path: Path) -> None:
    put(tmp_path, "cat/1.png", "dog/2.png")
    (tmp_path / "acat").symlink_to("cat")  # the real folder keeps its name
    (tmp_path / "cat/self").symlink_to("self")
    (tmp_path / "cat/up").symlink_to("..")
    (tmp_path / "dog/self.png").symlink_to("self.png")
    os.mkdir(os.fsencode(tmp_path) + b"/caf\xe9")
    (tmp_path / "1.png").write_bytes((tmp_path / "cat/1.png").read_bytes())
    os.rename(tmp_path / "1.png", os.fsencode(tmp_path) + b"/caf\xe9/\xe9.png")
    dataset = load(tmp_path)
    assert labels_of(dataset) == {"cat/1.png": "cat", "dog/2.png": "dog", "caf\\xe9/\\xe9.png": "caf\\xe9"}
    assert [skip.file for skip in dataset.skipped] == ["dog/self.png"]
    assert dataset.ignored == 3


def test_a_folder_that_may_not_be_read_is_a_note_and_the_root_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a/1.png", "b/2.png", "closed/3.png")
    listed = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == closed:
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    closed = "closed"
    dataset = load(tmp_path)
    assert sorted(dataset.names) == ["a/1.png", "b/2.png"]
    assert dataset.notes[0].startswith("The folder closed cannot be read (Permission denied)")
    closed = tmp_path.name
    with pytest.raises(DataError, match="cannot be listed: Permission denied"):
        load(tmp_path)


def test_a_thousand_classes_of_one_image_each(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("filename,label\n" + "".join(f"{i}.png,class {i}\n" for i in range(1000)))
    put(tmp_path, *(f"{i}.png" for i in range(250)), side=1)
    for i in range(250, 1000):
        os.link(tmp_path / "7.png", tmp_path / f"{i}.png")
    dataset = load(tmp_path)
    assert (len(dataset.classes), len(dataset.labeled), dataset.notes) == (1000, 1000, ())
    dataset.require_trainable()


def test_a_table_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "1.png")
    (tmp_path / "labels.csv").write_text("filename,label\n1.png,a\n../1.png,b\n")
    with pytest.raises(LabelsFileError, match=r"labels\.csv:3 .*outside"):
        load(tmp_path)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from("abcdefg"), unique=True), st.lists(st.sampled_from("abcdefgxyz")))
def test_used_and_skipped_are_found_whatever_the_table_says(tmp_path_factory, damaged: list, rows: list) -> None:
    folder = tmp_path_factory.mktemp("found")
    put(folder, *(f"{letter}.png" for letter in "abcdefg"), side=1)
    for letter in damaged:
        (folder / f"{letter}.png").write_bytes(b"")
    (folder / "labels.csv").write_text("filename,label\na.png,k\n" + "".join(f"{row}.png,k\n" for row in rows))
    dataset = load(folder)
    assert dataset.found == 7 == len(dataset) + len(dataset.skipped)
    assert [skip.file[0] for skip in dataset.skipped] == sorted(damaged)
    assert {name[0] for name, target in zip(dataset.names, dataset.targets, strict=True) if target == 0} == (
        {"a", *rows} & set("abcdefg") - set(damaged)
    )
    assert [row.filename[0] for row in dataset.unmatched] == [row for row in rows if row in "xyz"]


def test_a_table_in_a_folder_below_is_named_and_not_read(tmp_path: Path) -> None:
    put(tmp_path, "pets/a.png", "birds/b.png")
    (tmp_path / "pets" / "labels.csv").write_text("filename,label\na.png,cat\n")
    notes = load(tmp_path).notes
    assert notes == (
        f"Not read, for it lies in a folder below: pets/labels.csv. To use it: `labels` {tmp_path}/pets/labels.csv",
    )
