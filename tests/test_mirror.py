"""The test of ilk/a/b.py is tests/a/test_b.py; where it is not, this page says which file holds it and why."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

ELSEWHERE = {
    # Words and tables of the command line are tested by what the commands print.
    "cli/evaluation_lines": "cli/test_evaluate",
    "cli/layer_table": "cli/test_describe",
    "cli/map": "cli/test_map_command",
    "cli/option_names": "cli/test_thin",
    "cli/options": "cli/test_mistakes",
    "cli/refusals": "cli/test_commands",
    # Forms of data are tested together, each with the same damages.
    "data/cifar": "data/test_archives",
    "data/idx": "data/test_archives",
    "data/loader": "data/test_folders",
    "data/parquet": "data/test_archives",
    # One tree of classes, whose exit codes the commands show.
    "errors": "cli/test_commands",
    # Settings, priors and protocols are tested by the method and the loop that use them.
    "methods/class_priors": "methods/test_neighbor",
    "methods/neighbor_settings": "methods/test_neighbor",
    "training/callbacks": "training/test_loop",
    "training/curves": "report/test_charts",
    "report/limits": "report/test_page",
    "shapes/tensors": "data/test_arrays",
    # A run is tested whole; these are parts of its pages and of its training.
    "runs/evaluation_page": "cli/test_evaluate",
    "runs/explain_options": "runs/test_explain",
    "runs/explained_image": "cli/test_explain",
    "runs/snapshots": "cli/test_explain",
    "runs/threads": "cli/test_threads",
    "runs/train": "cli/test_running",
    "runs/unit_pictures": "cli/test_explain",
}


def sources() -> list[str]:
    files = sorted((ROOT / "ilk").rglob("*.py"))
    names = [path.relative_to(ROOT / "ilk").with_suffix("").as_posix() for path in files]
    return [name for name in names if not name.endswith(("__init__", "__main__"))]


def mirror(name: str) -> Path:
    folder, _, stem = name.rpartition("/")
    return ROOT / "tests" / folder / f"test_{stem}.py"


def test_each_source_file_has_its_test_file() -> None:
    assert [name for name in sources() if not mirror(name).exists() and name not in ELSEWHERE] == []


def test_what_is_tested_elsewhere_is_said_truly() -> None:
    assert [name for name in ELSEWHERE if name not in sources()] == []
    assert [name for name in ELSEWHERE if mirror(name).exists()] == []
    assert [place for place in ELSEWHERE.values() if not (ROOT / "tests" / f"{place}.py").exists()] == []
