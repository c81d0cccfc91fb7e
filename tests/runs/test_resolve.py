"""`ilk fit --from`: a run on the weights of another, what stays of them, what is refused, and how it goes on."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ilk.networks import build
from ilk.runs.recorder import Recorder
from ilk.storage.run import Run, read_config
from tests.cli.pictures import draw, labels_of, snapshot, write_folders
from tests.finished_runs import Finished, Ilk

EPOCHS = ("--epochs", 3)
SAME = ("model/weights.safetensors", "model/model.json", "metrics.csv", "predictions.csv", "embeddings.parquet")


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "model/weights.safetensors")


def test_frozen_layers_come_from_the_earlier_run_and_stay_to_the_bit(ilk: Ilk, finished: Finished, pets: Path) -> None:
    before = snapshot(finished.run)
    said = ilk("fit", pets, *EPOCHS, "--from", finished.run, "--freeze-to", "features.6", "--dim", 5, "--out", "new")
    assert said.code == 0, said
    assert f"From    {finished.run}, all layers up to features.6 as they are" in said.out
    assert snapshot(finished.run) == before
    old, new = weights(finished.run), weights(Path("new"))
    assert new["embedding.weight"].shape == (5, 128)
    for name, tensor in old.items():
        assert torch.equal(new[name], tensor) == (int(name.split(".")[1]) <= 6), name
    request = read_config(Run(Path("new")))["request"]
    assert (request["network"], request["size"], request["channels"]) == ("neighbor-mnist", 12, 1)
    assert len(request["start_sha256"]) == 64
    assert ilk("predict", "new", pets, "--out", "p.csv").code == 0


def stopped(ilk: Ilk, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "on_step", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        assert ilk("fit", *arguments).code == 130


def test_a_stopped_run_goes_on_bit_for_bit_though_its_start_is_gone(
    ilk: Ilk, finished: Finished, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished.run, "start")
    options = (pets, *EPOCHS, "--from", "start", "--freeze-to", "features.3", "--keep-epochs", "0,2")
    stopped(ilk, monkeypatch, *options, "--out", "broken")
    assert ilk("fit", *options, "--out", "whole").code == 0
    shutil.rmtree("start")
    assert ilk("resume", "broken").code == 0
    for name in (*SAME, "evolution/epoch-0.safetensors", "evolution/epoch-2.safetensors"):
        assert Path("broken", name).read_bytes() == Path("whole", name).read_bytes(), name


@pytest.mark.parametrize("change", ["gone", "another"])
def test_without_a_checkpoint_a_start_that_changed_is_refused(
    ilk: Ilk, finished: Finished, pets: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    shutil.copytree(finished.run, "start")
    stopped(ilk, monkeypatch, pets, *EPOCHS, "--from", "start", "--out", "broken")
    shutil.rmtree("broken/checkpoints")
    if change == "gone":
        shutil.rmtree("start")
    else:
        assert ilk("fit", pets, "--epochs", 0.1, "--size", 12, "--out", "start", "--overwrite").code == 0
    said = ilk("resume", "broken")
    assert said.code == 4
    assert "has no checkpoint yet and cannot begin again from" in said.error
    assert "begin anew with `ilk fit`" in said.error


def test_without_a_checkpoint_it_begins_again_from_the_same_start(
    ilk: Ilk, finished: Finished, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = (pets, *EPOCHS, "--from", finished.run)
    stopped(ilk, monkeypatch, *options, "--out", "broken")
    shutil.rmtree("broken/checkpoints")
    assert ilk("resume", "broken").code == 0
    assert ilk("fit", *options, "--out", "whole").code == 0
    for name in SAME:
        assert Path("broken", name).read_bytes() == Path("whole", name).read_bytes(), name


def test_published_weights_begin_a_run(ilk: Ilk, tmp_path: Path) -> None:
    drawn = draw(3, seed=3, color=True)
    write_folders(tmp_path / "colors", drawn, labels_of(drawn, 2))
    network = build("resnet-18", channels=3, dim=1000, seed=4)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, "r.safetensors")
    options = ("--epochs", 0.1, "--size", 32, "--from", "r.safetensors", "--freeze-to", "layer4")
    assert "Name it by --network" in ilk("fit", "colors", *options).error
    assert ilk("fit", "colors", *options, "--network", "resnet-18").code == 0
    found = weights(Path("runs/colors"))
    assert torch.equal(found["layer4.1.conv2.weight"], network.state_dict()["layer4.1.conv2.weight"])
    assert not torch.equal(found["conv1.weight"], network.state_dict()["conv1.weight"])  # it normalizes the images now
    assert found["fc.weight"].shape == (128, 512)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--freeze-to", "features.3"), 2, "name the run by --from"),
        (("--from", "RUN", "--network", "resnet-18"), 2, "of the network neighbor-mnist, not resnet-18"),
        (("--from", "RUN", "--size", 28), 2, "12 px, so --size 28 cannot be"),
        (("--from", "RUN", "--strided"), 2, "no strided"),
        (("--from", "RUN", "--freeze-to", "featuers.3"), 2, "Did you mean features.3"),
        (("--from", "RUN", "--freeze-to", "pool"), 2, "nothing is left to train"),
        (("--from", "nowhere"), 2, "does not exist"),
        (("--from", "a.safetensors", "--network", "resnet-18"), 4, "a.safetensors"),
        (("--from", "a.safetensors", "--network", "nin"), 2, "No weights are published for NiN"),
        (("--from", "notes.txt"), 2, "no run folder and no .safetensors file"),
        (("--from", "RUN", "--out", "RUN", "--overwrite"), 2, "cannot be both"),
        (("--dim", 0), 2, "--dim"),
        (("--rate", 0), 2, "--rate must be above 0"),
        (("--keep-epochs", "0,x"), 2, "are no epochs"),
        (("--keep-epochs", "-1"), 2, "are no epochs"),
        (("--keep-epochs", "4"), 2, "the run ends after 3"),
    ],
)
def test_what_cannot_be_meant_leaves_no_run(
    ilk: Ilk, finished: Finished, pets: Path, options: tuple, code: int, words: str
) -> None:
    Path("notes.txt").touch()
    said = ilk("fit", pets, *EPOCHS, *[finished.run if word == "RUN" else word for word in options])
    assert said.code == code
    assert words in said.error
    assert not Path("runs").exists()


def test_color_images_for_a_gray_start_are_refused(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    drawn = draw(3, seed=3, color=True)
    write_folders(tmp_path / "colors", drawn, labels_of(drawn, 2))
    assert ilk("fit", "colors", *EPOCHS, "--from", finished.run).code == 3


def test_the_kept_epochs_are_the_answering_weights_and_those_not_reached_are_named(ilk: Ilk, pets: Path) -> None:
    options = ("--epochs", 2, "--size", 12, "--keep-epochs", "2,0,1,0.0")
    assert ilk("fit", pets, *options).code == 0
    kept = {path.name: load_file(path) for path in Path("runs/pets/evolution").iterdir()}
    assert set(kept) == {"epoch-0.safetensors", "epoch-1.safetensors", "epoch-2.safetensors"}
    last, first = weights(Path("runs/pets")), kept["epoch-0.safetensors"]
    assert all(torch.equal(tensor, kept["epoch-2.safetensors"][name]) for name, tensor in last.items())
    fresh = build("neighbor-mnist", channels=1, seed=0).state_dict()
    assert all(torch.equal(tensor, fresh[name]) for name, tensor in first.items())

    assert ilk("fit", pets, "--epochs", 2, "--size", 12, "--overwrite").code == 0
    assert not Path("runs/pets/evolution").exists()
    said = ilk("fit", pets, "--time", "1s", "--size", 12, "--keep-epochs", "0,999999", "--overwrite")
    assert said.code == 0
    assert "epoch 999999 was not reached" in said.out
