"""The command line is thin: words and parsing, one file for each command; what is done lies in `ilk.runs`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from typer.main import get_command

from ilk.cli import app
from ilk.cli.option_names import OPTIONS, with_options

CLI = Path(__file__).resolve().parents[2] / "ilk" / "cli"
MOST_LINES = 1700
LONGEST_BODY = 25


def long_functions(source: str, commands: set[str]) -> list[str]:
    """Each function, but for the commands, whose body without its docstring is longer than allowed."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name not in commands:
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            if body and (node.end_lineno or 0) - body[0].lineno + 1 > LONGEST_BODY:
                found.append(node.name)
    return found


def commands() -> dict[str, str]:
    """Each command and the module that holds it."""
    return {
        (command.name or command.callback.__name__): command.callback.__module__  # type: ignore[union-attr]
        for command in app.registered_commands
    }


def test_the_command_line_is_small() -> None:
    lines = {path.name: len(path.read_text("utf-8").splitlines()) for path in CLI.glob("*.py")}
    assert sum(lines.values()) <= MOST_LINES, lines


def test_each_command_has_a_file_of_its_name() -> None:
    assert commands() == {name: f"ilk.cli.{name}" for name in commands()}
    assert len(commands()) == 13


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda path: path.name)
def test_only_commands_are_long(path: Path) -> None:
    names = {command.callback.__name__ for command in app.registered_commands}  # type: ignore[union-attr]
    assert long_functions(path.read_text("utf-8"), names) == []


def test_a_long_function_is_found() -> None:
    source = "def f():\n    '''Word.'''\n" + "    x = 1\n" * (LONGEST_BODY + 1)
    assert long_functions(source, set()) == ["f"]
    assert long_functions(source, {"f"}) == []
    assert long_functions("def f():\n" + "    x = 1\n" * LONGEST_BODY, set()) == []


def test_every_option_has_a_python_name_and_every_name_an_option() -> None:
    group = get_command(app)
    known = {
        option
        for command in group.commands.values()  # type: ignore[attr-defined]
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("-")
    }
    of_the_terminal = {"--quiet", "--json", "--debug", "--help"}
    assert known - of_the_terminal == set(OPTIONS.values())


@pytest.mark.parametrize(
    ("neutral", "said"),
    [
        ("Give a smaller `learning_rate`, or more `time_limit`.", "Give a smaller --rate, or more --time."),
        ("name the run by `start`, with `labels_per_class` 4", "name the run by --from, with --labels-per-class 4"),
        ("`k` must be 1 or more", "-k must be 1 or more"),
        ("`sure` is a guess; `ilk fit` and `no_such` stay", "`sure` is a guess; `ilk fit` and `no_such` stay"),
    ],
)
def test_settings_are_named_as_options(neutral: str, said: str) -> None:
    assert with_options(neutral) == said
