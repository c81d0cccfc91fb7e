"""`ilk explain`: a page of reasons for images, the pictures of the units, and what is refused."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from ilk.model.bundle import load_bundle
from ilk.networks import build
from ilk.recipes import space_of
from ilk.storage.run import open_run
from ilk.storage.snapshots import save_evolution
from tests.finished_runs import Finished, Ilk


@pytest.fixture
def run(finished: Finished, tmp_path: Path) -> Path:
    return shutil.copytree(finished.run, tmp_path / "run")


def images_of(finished: Finished, count: int) -> list[Path]:
    return sorted((finished.data / "test").rglob("*.png"))[:count]


def test_the_page_explains_each_image_as_it_is_predicted(ilk: Ilk, finished: Finished, run: Path) -> None:
    images = images_of(finished, 2)
    said = ilk("explain", run, *images, "--json")
    *explained, page = said.events
    assert said.code == 0, said
    for event, image in zip(explained, images, strict=True):
        ilk("predict", run, image, "--out", "told.csv")
        label = Path("told.csv").read_text().splitlines()[1].split(",")[1]
        assert event["filename"] == image.name
        assert event["label"] == label
        assert event["layer"] == "features.14"
        assert len(event["units"]) == 9
    assert page["page"] == str(run / "explanation.html")
    text = (run / "explanation.html").read_text()
    for image in images:
        assert image.name in text
    assert text.count("without it") == 18
    kinds = ("occlusion", "invariance", "units")
    plots = [run / "plots" / f"explained-{image.stem}-{kind}.png" for image in images for kind in kinds]
    assert page["plots"] == [str(plot) for plot in plots]
    assert all(plot.is_file() for plot in plots)
    assert ilk("explain", run, images[0]).out.splitlines()[-1] == str(run / "explanation.html")  # replaced


def test_one_unit_of_one_layer(ilk: Ilk, finished: Finished, run: Path) -> None:
    (image,) = images_of(finished, 1)
    said = ilk("explain", run, image, "--layer", "features.4", "--unit", 7, "--out", "one.html", "--json")
    assert said.events[0]["units"] in (["7"], ["7 (silent)"])
    assert "Unit 7 of features.4" in Path("one.html").read_text()
    assert not (run / "explanation.html").exists()


def test_top9_draws_every_layer_of_the_runs_own_images(ilk: Ilk, finished: Finished, run: Path) -> None:
    plots = ilk("explain", run, "--top9", "--json").events[-1]["plots"]
    assert [Path(plot).name for plot in plots] == [f"units-features.{i}.png" for i in (0, 4, 7, 10, 14)]
    for plot in plots:
        with Image.open(plot) as picture:
            assert picture.size[0] >= 700
    assert (run / "explanation.html").read_text().count("units of a layer") == 5
    only = ilk("explain", run, "--top9", "--layer", "features.7", "--unit", 3, "--json").events[-1]["plots"]
    assert [Path(plot).name for plot in only] == ["units-features.7.png"]


def test_it_watches_the_class_asked_for_else_the_label_else_the_answer(ilk: Ilk, finished: Finished, run: Path) -> None:
    image = images_of(finished, 1)[0]
    answer = ilk("explain", run, image, "--json").events[0]
    assert answer["watched"] == answer["label"]
    assert answer["watched_is"] == "its answer"
    other = next(name for name in ("bar", "dot") if name != answer["label"])
    asked = ilk("explain", run, image, "--label", other, "--json").events[0]
    assert (asked["watched"], asked["watched_is"]) == (other, "the class that was asked for")
    assert asked["probability"] + answer["probability"] < 1 + 1e-6
    Path("few", other).mkdir(parents=True)  # a folder that says another class than the answer
    shutil.copy(image, Path("few", other))
    shutil.copytree(Path("few", other), Path("few", answer["label"]))
    one, two = ilk("explain", run, "few", "--json").events[:2]
    for event in (one, two):
        assert event["label"] == answer["label"]
        assert event["watched"] == Path(event["filename"]).parent.name
        assert event["watched_is"] == "its label"
    assert one["watched"] != two["watched"]
    assert "but labeled" in (run / "explanation.html").read_text()


def test_an_image_that_was_learned_from_has_its_label(ilk: Ilk, finished: Finished, run: Path) -> None:
    labels = [folder for folder in (finished.data / "train").iterdir() if folder.name not in ("unlabeled",)]
    image = min(labels[0].iterdir())
    event = ilk("explain", run, image, "--json").events[0]
    assert (event["watched"], event["watched_is"]) == (labels[0].name, "its label")
    assert len(event["neighbors"]) == 3
    assert f"train/{labels[0].name}/{image.name}" not in event["neighbors"]  # no evidence for itself
    assert all(name.startswith("train/") for name in event["neighbors"])


def keep(run: Path) -> None:
    """Two epochs as `ilk fit --keep-epochs` leaves them: untrained weights, and others whose third layer is dead."""
    space = space_of(load_bundle(open_run(run).model))
    dim = space.classifier.points.shape[1]
    for epoch, shift in ((0.5, -1e6), (0.0, 0.0)):
        network = build(space.network_name, channels=space.channels, size=space.size, dim=dim)
        network.features[7].bias.data += shift
        save_evolution(open_run(run), epoch, round(epoch * 4), network.state_dict())


def test_an_image_that_cannot_be_used_costs_the_others_nothing(ilk: Ilk, finished: Finished, run: Path) -> None:
    (image,) = images_of(finished, 1)
    Path("bad.png").write_bytes(image.read_bytes()[:60])
    said = ilk("explain", run, image, "bad.png", "--layer", "features.4", "--unit", 7)
    assert said.code == 0, said
    assert "bad.png holds no image that can be used" in said.err
    assert image.name in (run / "explanation.html").read_text()
    assert ilk("explain", run, "bad.png").code == 3


def test_the_evolution_shows_the_kept_epochs_and_the_end(ilk: Ilk, run: Path) -> None:
    keep(run)
    said = ilk("explain", run, "--evolution")
    assert said.code == 0, said
    assert re.search(r"Layer features\.7, dead units of 64: \d+ at epoch 0, 64 at epoch 0\.5, \d+ at final\.", said.out)
    assert "The whole layer is dead at epoch 0.5." in said.out
    page = (run / "explanation.html").read_text()
    assert "all dead" in page
    assert page.count("over training</h2>") == 5
    plots = sorted(path.name for path in (run / "plots").glob("evolution-*"))
    assert plots == sorted(f"evolution-features.{i}.png" for i in (0, 4, 7, 10, 14))
    sizes = {}
    for unit in ((), ("--unit", 3)):
        (plot,) = ilk("explain", run, "--evolution", "--layer", "features.4", *unit, "--json").events[-1]["plots"]
        with Image.open(plot) as picture:
            sizes[unit] = picture.height
    assert sizes["--unit", 3] < sizes[()]


def test_damaged_weights_of_an_epoch_are_refused(ilk: Ilk, run: Path) -> None:
    keep(run)
    path = run / "evolution" / "epoch-0.5.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    said = ilk("explain", run, "--evolution")
    assert said.code == 4
    assert "epoch-0.5.safetensors is damaged" in said.error
    path.write_bytes(whole.replace(b"features.14.bias", b"features.99.bias"))
    said = ilk("explain", run, "--evolution")
    assert said.code == 4
    assert "is not of this run's network" in said.error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Name one IMAGE or more, or ask for --top9 or --evolution"),
        (("IMAGE", "--layer", "feature.4"), "Did you mean features.4?"),
        (("IMAGE", "--unit", "999"), "has no unit 999. Allowed: 0 to 127"),
        (("--top9", "--unit", "999"), "has no unit 999"),
        (("IMAGE", "--layer", "features.4", "--unit", "32"), "has no unit 32. Allowed: 0 to 31"),
        (("IMAGE", "--label", "dott"), "knows no class 'dott'. Did you mean dot? Classes: bar, cross, dot."),
        (("--evolution",), "kept no weights of its epochs, so there is no evolution to show"),
        (("FOLDER",), "at most 20 images, not 24"),
        (("IMAGE", "--out", "mine.html"), "was not written by Ilk"),
        (("IMAGE", "--out", "nowhere/page.html"), "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    ilk: Ilk, finished: Finished, run: Path, arguments: tuple[str, ...], words: str
) -> None:
    Path("mine.html").write_text("mine")
    named = {"IMAGE": str(images_of(finished, 1)[0]), "FOLDER": str(finished.data / "test")}
    said = ilk("explain", run, *(named.get(word, word) for word in arguments))
    assert said.code == 2
    assert words in said.error
    assert Path("mine.html").read_text() == "mine"
    assert not (run / "explanation.html").exists()
