"""The pages are true: their commands parse, their Python runs, and every public name is documented."""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typer import TyperException
from typer.core import TyperGroup
from typer.main import get_command

import ilk

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LONGEST_DOCSTRING = 25


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return [body for name, body in BLOCK.findall(page.read_text("utf-8")) if name == language]


def commands(page: Path) -> list[str]:
    """What the page's console blocks tell a reader to type."""
    text = "".join(blocks(page, "console")).replace("\\\n", " ")
    return [line[2:] for line in text.splitlines() if line.startswith("$ ")]


def ilk_commands() -> TyperGroup:
    from ilk.cli import app

    command = get_command(app)
    assert isinstance(command, TyperGroup)
    return command


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def refusal(words: Sequence[str]) -> str | None:
    """Why a command line cannot be meant, or None; nothing is run."""
    if words[0] == "make":
        unknown = {word for word in words[1:] if "=" not in word} - make_targets()
        return f"no such target: {', '.join(sorted(unknown))}" if unknown else None
    if words[0] != "ilk":
        return None if words[0] in {"cd", "git", "."} else f"{words[0]} is no command that a reader has"
    group = ilk_commands()
    if words[1] == "--help":
        return None
    if words[1] not in group.commands:
        return f"no such command: ilk {words[1]}"
    command = group.commands[words[1]]
    context = command.context_class(command, info_name=words[1])
    try:
        given, left, _ = command.make_parser(context).parse_args(list(words[2:]))
    except TyperException as error:
        return str(error)
    missing = [parameter.name for parameter in command.params if parameter.required and not given.get(parameter.name)]
    return f"left over: {left}" if left else f"missing: {missing}" if missing else None


COMMANDS = [(page, line) for page in PAGES for line in commands(page)]


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=[f"{page.name}: {line}" for page, line in COMMANDS])
def test_the_commands_on_the_pages_exist(page: Path, line: str) -> None:
    assert refusal(shlex.split(line, comments=True)) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ilk fti pets", "no such command"),
        ("ilk fit pets --tiem 10m", "--tiem"),
        ("ilk fit", "missing"),
        ("ilk fit pets dogs", "left over"),
        ("ilk fit pets --time", "--time"),
        ("make dome", "no such target: dome"),
        ("uvx ilk", "no command that a reader has"),
    ],
)
def test_a_wrong_command_is_found(line: str, reason: str) -> None:
    assert reason in (refusal(line.split()) or "")


def test_the_readme_shows_every_command_and_target() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in ilk_commands().commands if f"ilk {name}" not in readme] == []
    contributing = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    assert [name for name in sorted(make_targets() - {"help"}) if f"make {name}" not in readme + contributing] == []


PYTHON_PAGES = [page for page in PAGES if blocks(page, "python")]


@pytest.mark.parametrize("page", PYTHON_PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_python_on_the_pages_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": page.stem}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)


def test_the_command_page_is_what_help_prints() -> None:
    script = ROOT / "docs" / "generate_cli.py"
    done = subprocess.run(
        [sys.executable, script, "--check"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


def modules() -> list[str]:
    return [ilk.__name__, *(found.name for found in pkgutil.walk_packages(ilk.__path__, "ilk."))]


def public(name: str) -> Iterator[tuple[str, object]]:
    """The public names of a module: those in `__all__`, else the functions and classes that it defines."""
    module = importlib.import_module(name)
    own = [key for key, value in vars(module).items() if getattr(value, "__module__", None) == name and key[0] != "_"]
    for key in getattr(module, "__all__", own):
        yield key, getattr(module, key)


def fault(key: str, thing: object) -> str | None:
    """What is wrong with the docstring of a function, class or method; None for anything else."""
    if not (inspect.isclass(thing) or inspect.isfunction(thing)) or thing.__module__.startswith("jaxtyping"):
        return None  # the words for a kind of array stand below it in the source
    text = inspect.cleandoc(thing.__doc__ or "")
    if not text or text.startswith(f"{thing.__name__}("):  # what a dataclass writes by itself
        return f"{key} has no docstring"
    if not re.search(r"\.(\s|$)", text.split("\n\n")[0]):
        return f"{key}: the first paragraph of its docstring has no sentence that ends in a period"
    if len(text.splitlines()) > LONGEST_DOCSTRING:
        return f"{key}: its docstring has {len(text.splitlines())} lines, more than {LONGEST_DOCSTRING}"
    return None


@pytest.mark.parametrize("name", modules())
def test_every_public_name_is_documented(name: str) -> None:
    assert (importlib.import_module(name).__doc__ or "").strip(), f"{name} has no docstring"
    assert [said for key, thing in public(name) if (said := fault(key, thing))] == []


def test_a_faulty_docstring_is_found() -> None:
    def silent() -> None: ...
    def breathless() -> None:
        """No end"""

    def endless() -> None:
        """Starts well.

        and goes on
        """

    def fine() -> None:
        """Says it."""

    endless.__doc__ = "Starts well.\n" + "\nand goes on" * LONGEST_DOCSTRING
    faults = [fault(thing.__name__, thing) for thing in (silent, breathless, endless, fine)]
    assert [bool(said) for said in faults] == [True, True, True, False]
