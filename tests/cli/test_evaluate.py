"""`ilk evaluate`: the figure is the one that a scorer with a pencil gets, on nothing that was learned from."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ilk.cli.evaluation_lines import MOST_CLASSES
from tests.cli.pictures import CLASSES, SIDE, draw, png, rows, write_folders, write_table
from tests.finished_runs import LABELS, Finished, Ilk


def wilson(errors: int, n: int) -> list[float]:
    """The two rates at which `errors` of n are 1.959964 standard deviations away, in percent."""
    z2 = 1.959963984540054**2
    a, b, c = n + z2, -(2 * errors + z2), errors**2 / n
    root = math.sqrt(b * b - 4 * a * c)
    return [100 * (-b - root) / (2 * a), 100 * (-b + root) / (2 * a)]


def floor(finished: Finished) -> int:
    """Errors on test/ of the nearest labeled training picture by pixels, one at a time."""

    def read(folder: Path) -> list[tuple[str, np.ndarray]]:
        paths = [path for name in CLASSES for path in sorted((folder / name).iterdir())]
        return [(path.parent.name, np.asarray(Image.open(path), dtype=float)) for path in paths]

    known = read(finished.data / "train")
    tests = read(finished.data / "test")
    return sum(min(known, key=lambda k: ((k[1] - pixels) ** 2).sum())[0] != truth for truth, pixels in tests)


def test_the_figure_is_the_one_counted_from_the_predictions(ilk: Ilk, finished: Finished) -> None:
    (verdict,) = ilk("evaluate", finished.run, finished.data, "--split", "test", "--json").events
    assert ilk("predict", finished.run, finished.data, "--split", "test", "--out", "told.csv").code == 0
    told = [(row["filename"].split("/")[1], row["label"], row["status"]) for row in rows(Path("told.csv"))]
    wrong = sum(truth != label for truth, label, _ in told)
    n = len(told)
    assert n == 3 * 8
    assert 3 <= wrong < n  # three pictures lie in a wrong folder, so this is no trivial figure
    assert verdict["n"] == n
    assert verdict["errors"] == wrong
    assert verdict["error_percent"] == pytest.approx(100 * wrong / n)
    assert verdict["interval_95"] == pytest.approx(wilson(wrong, n))
    assert [one["class"] for one in verdict["classes"]] == list(CLASSES)
    for row, name in enumerate(CLASSES):
        assert verdict["classes"][row]["n"] == sum(truth == name for truth, _, _ in told)
        assert verdict["confusion"][row] == [sum((t, a) == (name, other) for t, a, _ in told) for other in CLASSES]
    for status, count in verdict["status"].items():
        assert count == sum(said == status for _, _, said in told)
    assert verdict["pixel_error_percent"] == pytest.approx(100 * floor(finished) / n)


def test_the_test_split_is_the_default_and_the_words_say_the_same(ilk: Ilk, finished: Finished) -> None:
    (asked,) = ilk("evaluate", finished.run, finished.data, "--split", "test", "--json").events
    (default,) = ilk("evaluate", finished.run, finished.data, "--json").events
    assert default == asked
    said = ilk("evaluate", finished.run, finished.data, "--quiet")
    *_, floor_line, last = said.out.splitlines()
    low, high = asked["interval_95"]
    assert last == (
        f"Error   {asked['error_percent']:.2f}%  ({asked['errors']} of {asked['n']}, "
        f"95% interval {low:.2f}% to {high:.2f}%), test images"
    )
    assert floor_line.startswith(f"Floor   {asked['pixel_error_percent']:.2f}%")
    assert said.code == 0


def test_what_was_learned_from_is_left_out(ilk: Ilk, finished: Finished) -> None:
    (verdict,) = ilk("evaluate", finished.run, finished.data, "--split", "all", "--json").events
    assert (verdict["n"], verdict["excluded"], verdict["copies"]) == (3 * 8, 3 * LABELS, 0)
    assert "learned from" in ilk("evaluate", finished.run, finished.data, "--split", "all").out


def test_only_labels_that_were_learned_from_are_refused(ilk: Ilk, finished: Finished) -> None:
    said = ilk("evaluate", finished.run, finished.data, "--split", "train")
    assert said.code == 3
    assert f"learned from all {3 * LABELS} labels" in said.error


def test_a_copy_of_a_learned_image_counts_but_is_named(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    learned = sorted((finished.data / "train" / "bar").iterdir())[0]
    new = draw(1, seed=9)
    data = write_folders(tmp_path / "new", new, [picture.truth for picture in new])
    shutil.copy(learned, data / "bar" / "copy.png")
    (verdict,) = ilk("evaluate", finished.run, data, "--json").events
    assert (verdict["n"], verdict["excluded"], verdict["copies"]) == (4, 0, 1)


def test_unlabeled_training_images_count_and_are_named(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    """Someone labels the unlabeled images afterwards: a fair test, but of images that were seen."""
    drawn = [p for p in draw(12, seed=1) if (finished.data / "train" / "unlabeled" / p.name).exists()]
    data = write_table(tmp_path / "late", drawn, [p.truth for p in drawn])
    (verdict,) = ilk("evaluate", finished.run, data, "--json").events
    assert (verdict["n"], verdict["seen_unlabeled"], verdict["split"]) == (3 * (12 - LABELS), 3 * (12 - LABELS), "all")


def test_a_class_that_the_model_does_not_know_is_wrong(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    new = draw(2, seed=9)
    data = write_folders(tmp_path / "new", new, ["star"] * 5 + ["bar"])
    said = ilk("evaluate", finished.run, data)
    assert "5 images count as wrong: the model has no class star" in said.out
    (verdict,) = ilk("evaluate", finished.run, data, "--json").events
    assert verdict["errors"] >= 5
    assert verdict["n"] == 6
    assert verdict["classes"][-1] == {
        "class": "star",
        "n": 5,
        "error_percent": 100.0,
        "interval_95": pytest.approx(wilson(5, 5)),
        "precision_percent": None,
    }


def test_labels_in_other_words_than_the_models_are_refused(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    data = write_folders(tmp_path / "new", draw(2, seed=9), ["star"] * 6)
    said = ilk("evaluate", finished.run, data)
    assert (said.code, "none of its labels (star) is a class of this model (bar, cross, dot)" in said.err) == (3, True)


def test_a_class_in_another_letter_case_is_guessed(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    data = write_folders(tmp_path / "new", draw(2, seed=9), ["Cross"] * 6)
    said = ilk("evaluate", finished.run, data)
    assert (said.code, "Write 'cross', not 'Cross'." in said.err) == (3, True)


def test_known_classes_whose_images_were_all_learned_from_are_named(
    ilk: Ilk, finished: Finished, tmp_path: Path
) -> None:
    (tmp_path / "mixed/bar").mkdir(parents=True)
    learned = next((finished.data / "train" / "bar").iterdir())
    shutil.copy(learned, tmp_path / "mixed/bar")
    write_folders(tmp_path / "mixed", draw(1, seed=9), ["star"] * 3)
    said = ilk("evaluate", finished.run, tmp_path / "mixed")
    assert (said.code, "learned from every image of the classes that it knows (bar)" in said.err) == (3, True)


def test_a_damaged_manifest_is_refused_with_its_remedy(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    run = shutil.copytree(finished.run, tmp_path / "damaged")
    (run / "manifest.csv").write_text("something,else\n1,2\n")
    said = ilk("evaluate", run, write_folders(tmp_path / "new", draw(2, seed=9), ["bar"] * 6))
    assert (said.code, "manifest.csv is missing or damaged" in said.err, "Fit the run again" in said.err) == (
        4,
        True,
        True,
    )


def test_a_table_of_labels_by_option(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    new = draw(2, seed=9)
    data = write_table(tmp_path / "new", new, [None] * 6)
    (data / "labels.csv").unlink()
    table = tmp_path / "truth.csv"
    table.write_text("filename,label\n" + "".join(f"{p.name},{p.truth}\n" for p in new[:4]))
    (verdict,) = ilk("evaluate", finished.run, data, "--labels", table, "--json").events
    assert verdict["n"] == 4


def test_images_without_labels_are_refused(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    new = draw(1, seed=9)
    said = ilk("evaluate", finished.run, write_folders(tmp_path / "new", new, [None] * 3))
    assert said.code == 3
    assert "ilk predict" in said.error


def test_many_classes_are_cut_on_the_screen_and_not_in_json(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    many = MOST_CLASSES + 5
    for number in range(many):
        path = tmp_path / "many" / f"class {number}" / "one.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(png(np.full((SIDE, SIDE), number, dtype=np.uint8)))
    known = tmp_path / "many" / "bar" / "one.png"
    known.parent.mkdir()
    known.write_bytes(png(np.full((SIDE, SIDE), 99, dtype=np.uint8)))
    said = ilk("evaluate", finished.run, tmp_path / "many")
    assert sum(line.startswith(("        class ", "        bar ")) for line in said.out.splitlines()) == MOST_CLASSES
    assert "and 6 classes" in said.out
    (verdict,) = ilk("evaluate", finished.run, tmp_path / "many", "--json").events
    assert sum(one["n"] for one in verdict["classes"]) == many + 1
