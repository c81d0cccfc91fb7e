"""House rules that a machine can hold: spelling, length, and calls that could run foreign code or reach a network."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "ilk").rglob("*.py"))
TEXTS = [path for path in sorted((ROOT / "ilk").rglob("*")) if path.suffix in {".py", ".html", ".css"}]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

LONGEST_FILE = 300
LONGEST_BODY = 40

BRITISH = re.compile(
    r"colour|grey|centre|neighbour|behaviour|favour|labell(?:ed|ing|er)|modell(?:ed|ing)|artefact|licence"
    r"|analys(?:e|ed|ing)(?![a-z])"
    r"|(?:character|custom|discret|emphas|factor|final|general|initial|local|maxim|memor|minim|normal|optim|organ|parallel"
    r"|quant|random|recogn|regular|serial|special|standard|summar|token|util|vector|visual)is(?:e|ing|ation)",
    re.IGNORECASE,
)
# British words that are not ours: a folder that users may have, an attribute of HTML.
FOREIGN = re.compile(r"""["'`/]unlabelled["'`/]|aria-labelledby""")

FORBIDDEN_MODULES = {
    *("pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"),
    *("socket", "ssl", "urllib", "urllib3", "http", "requests", "httpx", "aiohttp", "ftplib", "smtplib"),
}
FORBIDDEN_CALLS = {"eval", "exec", "torch.load", "torch.save", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def british_words(text: str) -> list[str]:
    """Line and word of each British spelling."""
    lines = (FOREIGN.sub("", line) for line in text.splitlines())
    return [f"line {number}: {match[0]}" for number, line in enumerate(lines, 1) for match in BRITISH.finditer(line)]


def dotted(node: ast.expr) -> str:
    """`torch.load` for the expression torch.load; empty for anything that is not a plain dotted name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def forbidden(source: str) -> list[str]:
    """Line and name of each import and call that this project never makes."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] in FORBIDDEN_MODULES]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            full = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name for name in full if name.split(".")[0] in FORBIDDEN_MODULES or name in FORBIDDEN_CALLS]
        elif isinstance(node, ast.Call):
            names = [dotted(node.func)] if dotted(node.func) in FORBIDDEN_CALLS else []
            allowed = {word.arg for word in node.keywords if getattr(word.value, "value", None) is False}
            given = {word.arg for word in node.keywords} - allowed
            names += sorted(f"{word}=" for word in given & {"allow_pickle", "shell"})
        found += [f"line {node.lineno}: {name}" for name in names]
    return found


def long_bodies(source: str) -> list[str]:
    """Each function whose body, without its docstring, is longer than a screen."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            length = node.end_lineno - body[0].lineno + 1 if body else 0
            if length > LONGEST_BODY:
                found.append(f"line {node.lineno}: {node.name} has {length} lines")
    return found


@pytest.mark.parametrize("path", [*TEXTS, *PAGES], ids=relative)
def test_spelling_is_american(path: Path) -> None:
    assert british_words(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nothing_runs_foreign_code_or_reaches_a_network(path: Path) -> None:
    assert forbidden(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_files_and_functions_fit_a_reader(path: Path) -> None:
    source = path.read_text("utf-8")
    assert len(source.splitlines()) <= LONGEST_FILE
    assert long_bodies(source) == []


@pytest.mark.parametrize(
    "text",
    [
        "colour = 1",
        "def minimise(): ...",
        "the Labelled images",
        "nearest_neighbours",
        "grey",
        "`unlabelled` or unlabelled",
    ],
)
def test_british_words_are_found(text: str) -> None:
    assert len(british_words(text)) == 1


@pytest.mark.parametrize(
    "text", ['"unlabelled"', "`unlabelled/`", "otherwise a precise promise", "labeled, initialize, gray"]
)
def test_other_words_pass(text: str) -> None:
    assert british_words(text) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "def f():\n    import urllib.request as r",
        "from socket import create_connection",
        "from torch import load",
        "torch.load('x')",
        "eval('1')",
        "np.load('x', allow_pickle=True)",
        "np.load('x', allow_pickle=flag)",
        "subprocess.run('ls', shell=True)",
        "yaml.load(text)",
    ],
)
def test_forbidden_calls_are_found(source: str) -> None:
    assert len(forbidden(source)) == 1


@pytest.mark.parametrize(
    "source", ["model.eval()", "np.load('x', allow_pickle=False)", "json.load(file)", "from . import http"]
)
def test_harmless_calls_pass(source: str) -> None:
    assert forbidden(source) == []


def test_a_long_body_is_found_and_a_long_docstring_is_not() -> None:
    def source(docstring: int, body: int) -> str:
        return 'def f():\n    """' + "word\n    " * docstring + '"""\n' + "    x = 1\n" * body

    assert long_bodies(source(docstring=60, body=LONGEST_BODY)) == []
    assert long_bodies(source(docstring=0, body=LONGEST_BODY + 1)) == [f"line 1: f has {LONGEST_BODY + 1} lines"]
