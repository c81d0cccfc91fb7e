"""The map in `ilk/__init__.py` is true: it names what is there, and nothing imports from a station below its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "ilk"
STATION = re.compile(r"^    (\w+/?)\s{2,}\S", re.MULTILINE)


NEVER = (
    ("runs", ("cli", "web", "typer", "rich")),
    ("training", ("methods", "recipes", "networks")),
    ("storage", ("networks",)),
    ("", ("benchmarks",)),
)
"""What the modules of a station never import, whatever the order says; "" stands for all of them."""


def stations_on_map(package: Path) -> list[str]:
    """The names on the map from top to bottom; a folder ends in a slash."""
    docstring = ast.get_docstring(ast.parse((package / "__init__.py").read_text("utf-8")), clean=False)
    return STATION.findall(docstring or "")


def stations_on_disk(package: Path) -> set[str]:
    """The modules and the folders that hold one, named as on the map."""
    files = {path.stem for path in package.glob("*.py") if not path.stem.startswith("__")}
    return files | {f"{path.name}/" for path in package.iterdir() if path.is_dir() and any(path.rglob("*.py"))}


def imported_modules(path: Path, package: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import in a file: at the top, in functions, for types only, relative, by name."""
    parents = [package.name, *path.relative_to(package).parent.parts]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            above = parents[: len(parents) + 1 - node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in {"import_module", "__import__"}:
                yield node.lineno, str(node.args[0].value)


def problems(package: Path) -> list[str]:
    """Everything in which the map and the package disagree, one sentence each."""
    on_map, on_disk = stations_on_map(package), stations_on_disk(package)
    found = [f"{name} is missing from the map" for name in sorted(on_disk - set(on_map))]
    found += [f"the map names {name}, which does not exist" for name in on_map if name not in on_disk]
    found += [f"the map names {name} twice" for name in sorted(set(on_map)) if on_map.count(name) > 1]
    rank = {name.rstrip("/"): place for place, name in enumerate(on_map)}
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        own = inside.parts[0].removesuffix(".py")
        if own not in rank:
            continue
        for line, dotted in imported_modules(path, package):
            parts = dotted.split(".")
            if parts[0] == package.name and len(parts) > 1 and rank.get(parts[1], -1) > rank[own]:
                found.append(f"{inside}:{line} imports {parts[1]}, which the map lists below {own}")
    return found


def test_the_map_is_true() -> None:
    assert stations_on_map(PACKAGE), "no map found in the docstring of ilk/__init__.py"
    assert problems(PACKAGE) == []


def never_pairs(package: Path) -> list[str]:
    """Each import that no station may make of another, one sentence each."""
    found = []
    for station, others in NEVER:
        for path in sorted((package / station).rglob("*.py")):
            for line, dotted in imported_modules(path, package):
                parts = dotted.split(".")
                name = parts[1] if parts[0] == package.name and len(parts) > 1 else parts[0]
                if name in others:
                    found.append(f"{path.relative_to(package)}:{line} imports {name}")
    return found


def test_no_station_imports_what_it_must_never_know() -> None:
    assert never_pairs(PACKAGE) == []


MAP = '"""A small house.\n\n    top          first words\n    middle/      second\n    bottom       third\n"""\n'


@pytest.fixture
def house(tmp_path: Path) -> Path:
    package = tmp_path / "house"
    (package / "middle").mkdir(parents=True)
    (package / "__init__.py").write_text(MAP)
    (package / "top.py").write_text("import os\n")
    (package / "middle" / "__init__.py").write_text("from house.middle.one import first\n")
    (package / "middle" / "one.py").write_text(
        "from house.top import word\nfrom . import two\nfrom .two import second\n"
    )
    (package / "middle" / "two.py").write_text("import house.middle.one\nfrom house import __version__\n")
    (package / "bottom.py").write_text("from .middle import first\nimport house.top\n")
    return package


def test_a_true_map_passes(house: Path) -> None:
    assert problems(house) == []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("top.py", "import house.bottom\n"),
        ("top.py", "import os, house.bottom as b\n"),
        ("top.py", "from house.bottom import last\n"),
        ("top.py", "from house import bottom\n"),
        ("top.py", "from . import bottom\n"),
        ("top.py", "from .bottom import last\n"),
        ("top.py", "def late():\n    import house.bottom\n"),
        ("top.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.bottom import Last\n"),
        ("top.py", "import importlib\nimportlib.import_module('house.bottom')\n"),
        ("middle/one.py", "from ..bottom import last\n"),
        ("middle/one.py", "from .. import bottom\n"),
        ("middle/__init__.py", "from ..bottom import last\n"),
    ],
)
def test_an_import_from_below_is_found(house: Path, file: str, source: str) -> None:
    (house / file).write_text(source)
    station = file.partition("/")[0].removesuffix(".py")
    assert len(problems(house)) == 1
    assert re.fullmatch(rf"{file}:\d imports bottom, which the map lists below {station}", problems(house)[0])


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("runs/fit.py", "from house.cli.console import Console\n"),
        ("runs/fit.py", "def late():\n    import typer\n"),
        ("runs/fit.py", "from ..cli import console\n"),
        ("training/loop.py", "from house.recipes import fit\n"),
        ("storage/run.py", "from house import networks\n"),
        ("middle/one.py", "import benchmarks.pace\n"),
    ],
)
def test_what_must_never_be_known_is_found(house: Path, file: str, source: str) -> None:
    (house / file).parent.mkdir(exist_ok=True)
    (house / file).write_text(source)
    assert len(never_pairs(house)) == 1
    assert never_pairs(house)[0].startswith(f"{file}:")


def test_what_is_missing_from_the_map_is_found(house: Path) -> None:
    (house / "stray.py").touch()
    (house / "attic").mkdir()
    (house / "attic" / "box.py").touch()
    assert problems(house) == ["attic/ is missing from the map", "stray is missing from the map"]


def test_what_the_map_invents_is_found(house: Path) -> None:
    (house / "__init__.py").write_text(MAP.replace("    bottom", "    cellar       nothing\n    bottom"))
    assert problems(house) == ["the map names cellar, which does not exist"]


def test_a_file_is_no_folder(house: Path) -> None:
    (house / "__init__.py").write_text(MAP.replace("middle/ ", "middle  "))
    assert "middle/ is missing from the map" in problems(house)
