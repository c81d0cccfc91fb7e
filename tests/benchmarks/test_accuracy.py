"""The laboratory at a tiny size: it goes through, it goes on, it needs little, and its splits keep apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ilk.errors import UsageError

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"

BLOCKED = """
import runpy, sys
from importlib.machinery import PathFinder
class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in {blocked!r} else super().find_spec(name, path, target)
sys.meta_path = [Without if finder is PathFinder else finder for finder in sys.meta_path]
sys.path.insert(0, {folder!r})
sys.argv = [{script!r}, *sys.argv[1:]]
runpy.run_path({script!r}, run_name="__main__")
"""
SCARCE = ("faiss", "typer", "rich", "pyarrow", "sklearn", "openTSNE", "scipy", "jinja2", "matplotlib")


def benchmark(name: str, *arguments: object, folder: Path, blocked: tuple[str, ...] = (), status: int = 0) -> str:
    """What the benchmark prints, as a program of its own; where modules are blocked, as if they were not installed."""
    program = BLOCKED.format(blocked=set(blocked), folder=str(BENCHMARKS), script=str(BENCHMARKS / f"{name}.py"))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
    )
    assert done.returncode == status, done.stderr
    return done.stdout + (done.stderr if status else "")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The digits of scikit-learn as two files."""
    folder = tmp_path_factory.mktemp("packed")
    small = ("--images", 200, "--test-images", 60, "--size", 8)
    benchmark("accuracy", "--data", "digits", *small, "--pack", "digits.npz", "--parts", 2, folder=folder)
    return sorted(folder.glob("*.npz"))


def test_a_pack_holds_every_image_once_with_its_label_and_name(packed: list[Path]) -> None:
    parts = [dict(np.load(path)) for path in packed]
    assert [path.name for path in packed] == ["digits-1.npz", "digits-2.npz"]
    names = np.concatenate([part[name] for part in parts for name in ("names", "test_names")])
    assert len(set(names.tolist())) == len(names) == 260
    from sklearn.datasets import load_digits

    truth = load_digits().target
    for part in parts:
        assert part["images"].dtype == np.uint8
        for prefix in ("", "test_"):
            rows = [int(name.removeprefix("#")) for name in part[f"{prefix}names"]]
            told = part["classes"][part[f"{prefix}targets"]].astype(int)
            assert told.tolist() == truth[rows].tolist()


def test_the_laboratory_runs_with_pytorch_alone_and_goes_on_where_it_was(packed: list[Path], tmp_path: Path) -> None:
    short = (
        "--data",
        *packed,
        "--epochs",
        2,
        "--labels-per-class",
        3,
        "--subsets",
        0,
        1,
        "--gap",
        2,
        "--out",
        "a.json",
    )
    recipes = ("--recipe", "default,queries=8,pool=48,spread_share=0", "cross-entropy", "mnist-100+released")
    printed = benchmark("accuracy", *short, *recipes, folder=tmp_path, blocked=SCARCE)
    assert "no figure" in printed
    kept = json.loads((tmp_path / "a.json").read_text())
    assert len(kept["rows"]) == 6
    for row in kept["rows"].values():
        assert 0 <= row.get("best_errors", row["errors"]) <= row["errors"] <= row["n"] == 60
        assert row["labeled_loss"][-1] < row["labeled_loss"][0]
    images = {row["contestant"]: (row["steps"], row["images"]) for row in kept["rows"].values()}
    assert images["default,queries=8,pool=48,spread_share=0"] == (8, 8 * (3 * 10 + 8 + 48))
    assert images["mnist-100+released"] == (12, 12 * 52)

    # One row is lost, and one contestant more is asked for: these two are run, and all are drawn.
    first = next(iter(kept["rows"]))
    lost = kept["rows"].pop(first)
    (tmp_path / "a.json").write_text(json.dumps(kept))
    printed = benchmark("accuracy", *short, *recipes[:2], "label-spreading", "--subsets", 0, folder=tmp_path)
    again = json.loads((tmp_path / "a.json").read_text())["rows"]
    assert again.keys() - kept["rows"].keys() == {first, "label-spreading | subset 0 | seed 0"}
    assert again[first]["errors"] == lost["errors"]  # FAISS or not
    assert all(again[key] == row for key, row in kept["rows"].items())
    assert "| cross-entropy | 2 |" in printed
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in (tmp_path / "a.svg").read_text()


def test_a_run_cut_into_stages_gives_the_row_of_a_whole_one(packed: list[Path], tmp_path: Path) -> None:
    short = ("--data", *packed, "--epochs", 3, "--labels-per-class", 3, "--subsets", 0, "--gap", 2)
    recipe = ("--recipe", "default,queries=8,pool=16")
    benchmark("accuracy", *short, *recipe, "--out", "whole.json", folder=tmp_path)
    whole = json.loads((tmp_path / "whole.json").read_text())["rows"]
    for step in (1, 2, 3):
        printed = benchmark(
            "accuracy", *short, *recipe, "--stage", 1e-3, "--out", "a.json", folder=tmp_path, status=130
        )
        assert f"Stopped after step {step};" in printed
    # What was left of this run is nothing to a run of another budget, nor to another row, and is not lost by them.
    (tmp_path / "a.unfinished" / "mine.txt").write_text("stays")
    other = ("--recipe", "label-spreading", "--subsets", 0, "--out", "a.json")
    benchmark("accuracy", *short, *other, folder=tmp_path)
    assert list((tmp_path / "a.unfinished" / "checkpoints").iterdir())
    benchmark("accuracy", *short, *recipe, "--out", "a.json", folder=tmp_path)
    rows = json.loads((tmp_path / "a.json").read_text())["rows"]
    assert [path.name for path in (tmp_path / "a.unfinished").iterdir()] == ["mine.txt"]
    for key, row in whole.items():
        assert rows[key].pop("seconds") > 0
        assert rows[key] == {name: value for name, value in row.items() if name != "seconds"}

    for epochs in (3, 4):  # another length is another run
        again = (*short, *recipe, "--epochs", epochs, "--stage", 1e-3, "--out", "b.json")
        assert "Stopped after step 1;" in benchmark("accuracy", *again, folder=tmp_path, status=130)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("--stage", "0"), "--stage must be above 0"),
        (("--stage", "5", "--time", "60"), "--stage needs a length"),
        (("--stage", "5", "--recipe", "mnist-100", "default,sets=2"), "--stage needs a length"),
        (("--out", "a.png"), "ends in .json"),
        (("--subsets", "0", "-1"), "at least 0"),
        (("--images", "-5"), "--images must be at least 1"),
        (("--recipe", "default", "best"), "no recipe 'best'"),
        (("--data", "digits", "mnist"), "would be left out"),
        (("--data", "a.npz", "--size", "9"), "give --size where it is packed"),
    ],
)
def test_a_mistake_is_said_before_any_run(
    wrong: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import accuracy

    monkeypatch.setattr(sys, "argv", ["accuracy.py", "--data", "digits", *wrong])
    try:
        with pytest.raises((SystemExit, UsageError)) as stopped:
            accuracy.main()
        assert said in capsys.readouterr().err + str(stopped.value)
    finally:
        for name in [name for name in sys.modules if name == "accuracy" or name.split(".")[0] == "laboratory"]:
            del sys.modules[name]


def test_prior_knowledge_is_compared_on_the_same_subset(packed: list[Path], tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("label,group\n1,thin\n7,thin\n0,round\n8,round\n")
    short = ("--data", *packed, "--groups", "g.csv", "--epochs", 1, "--labels-per-class", 3, "--subsets", 0)
    ways = ("--ways", "without", "targets", "--recipe", "default,queries=8,pool=48,spread_share=0", "--out", "p.json")
    printed = benchmark("priors", *short, *ways, folder=tmp_path)
    rows = json.loads((tmp_path / "p.json").read_text())["rows"]
    plain, soft = (rows[f"{way} | subset 0 | seed 0"] for way in ("without", "targets"))
    lower = (plain["errors"] - soft["errors"]) / 0.6
    assert f"- targets: lower by {lower:.2f} points, on {int(lower > 0)} of 1 subsets" in printed
    assert soft["labeled_loss"] != plain["labeled_loss"]
