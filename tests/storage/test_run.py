from __future__ import annotations

import os

import pytest

from ilk import __version__
from ilk.errors import ModelError, RunExistsError, UsageError
from ilk.storage import run as run_module
from ilk.storage.run import create_run, open_run, read_config, update_config


def test_a_new_run_holds_its_settings(tmp_path):
    run = create_run(tmp_path / "runs" / "a", overwrite=False, config={"seed": 3})
    assert read_config(run) == {"seed": 3, "ilk": __version__}
    assert open_run(tmp_path / "runs" / "a") == run
    update_config(run, k=5)
    assert read_config(run) == {"seed": 3, "ilk": __version__, "k": 5}


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_new_or_empty_folder_needs_no_permission(tmp_path, overwrite):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new"):
        assert create_run(tmp_path / name, overwrite=overwrite, config={}).config.is_file()


def test_an_earlier_run_is_kept_without_overwrite(tmp_path):
    run = create_run(tmp_path / "a", overwrite=False, config={"seed": 1})
    with pytest.raises(RunExistsError, match=r"`overwrite`.*`out`"):
        create_run(tmp_path / "a", overwrite=False, config={"seed": 2})
    assert read_config(run)["seed"] == 1


def test_overwrite_removes_what_ilk_wrote_and_nothing_else(tmp_path):
    run = create_run(tmp_path / "a", overwrite=False, config={"seed": 1})
    run.checkpoints.mkdir()
    (run.checkpoints / "step-000000001.json").touch()
    run.predictions.touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    run.model.symlink_to(elsewhere)
    (run.path / "notes.txt").write_text("mine")
    create_run(tmp_path / "a", overwrite=True, config={"seed": 2})
    assert sorted(os.listdir(run.path)) == ["config.json", "notes.txt"]
    assert (elsewhere / "precious").exists()
    assert read_config(run)["seed"] == 2


@pytest.mark.parametrize("name", ["model/notes.txt", "plots/mine.pdf", "checkpoints/old/copy.bin"])
def test_overwrite_refuses_to_take_a_users_file_along(tmp_path, name):
    run = create_run(tmp_path / "a", overwrite=False, config={"seed": 1})
    (run.path / name).parent.mkdir(parents=True)
    (run.path / name).write_text("mine")
    with pytest.raises(RunExistsError, match=f"{name} is not Ilk's"):
        create_run(tmp_path / "a", overwrite=True, config={"seed": 2})
    assert (run.path / name).read_text() == "mine"
    assert read_config(run)["seed"] == 1


@pytest.mark.parametrize("content", [None, "{}", "broken", "[]"])
def test_overwrite_refuses_a_folder_that_is_no_run(tmp_path, content):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "precious").touch()
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(RunExistsError, match="no Ilk run"):
        create_run(tmp_path, overwrite=True, config={})
    assert (tmp_path / "model" / "precious").exists()


def test_overwrite_refuses_a_file(tmp_path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(RunExistsError, match="is a file"):
        create_run(tmp_path / "a", overwrite=True, config={})


def test_a_stopped_overwrite_leaves_a_run_that_can_be_overwritten(tmp_path, monkeypatch):
    run = create_run(tmp_path / "a", overwrite=False, config={})
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "write_json", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            create_run(run.path, overwrite=True, config={})
    assert create_run(run.path, overwrite=True, config={"seed": 9}) == run


def test_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError):
        create_run(tmp_path / "file" / "run", overwrite=False, config={})


def test_a_misspelt_run_names_the_nearest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    create_run("runs/pets", overwrite=False, config={})
    create_run("runs/birds", overwrite=False, config={})
    for asked in ("runs/pet", "pets", "runs/Pets"):
        with pytest.raises(UsageError, match=r"Did you mean runs/pets\?"):
            open_run(asked)
    with pytest.raises(UsageError, match=r"There is runs/birds, runs/pets\."):
        open_run("runs")


def test_without_any_run_the_command_to_make_one_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="ilk fit"):
        open_run("pets")


@pytest.mark.parametrize("content", ["", '{"seed": 1}'])
def test_a_damaged_config_is_named(tmp_path, content):
    run = create_run(tmp_path / "a", overwrite=False, config={})
    run.config.write_text(content)
    with pytest.raises(ModelError, match=r"config\.json"):
        open_run(run.path)
