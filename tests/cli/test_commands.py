"""The door itself: help that needs nothing heavy, slips that are guessed, and exit codes that scripts can trust."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.main import get_command

from ilk import __version__
from ilk.cli import app, main
from ilk.cli.options import parsed_count
from tests.cli.pictures import snapshot
from tests.finished_runs import Finished, Ilk

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    *("demo", "check", "fit", "resume", "evaluate", "predict", "embed", "search", "map"),
    *("explain", "describe", "export", "verify"),
)
SCREEN = 40


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that knows ilk."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, env=environment
    )


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from ilk.cli import main; codes = [main([*c.split(), '--help']) for c in sys.argv[1:]]\n"
        "heavy = {'torch', 'numpy', 'PIL', 'pyarrow', 'sklearn', 'faiss', 'matplotlib'} & set(sys.modules)\n"
        "print('HEAVY', sorted(heavy), 'CODES', set(codes))"
    )
    done = python(code, "", *COMMANDS)
    assert done.stdout.splitlines()[-1] == "HEAVY [] CODES {0}", done.stderr


@pytest.mark.slow
def test_help_is_quick() -> None:
    """The best of several, because other programs may hold the cores."""
    took = []
    for _ in range(5):
        began = time.monotonic()
        python("import sys; from ilk.cli import main; sys.exit(main())", "--help")
        took.append(time.monotonic() - began)
    assert min(took) < 0.5


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_fits_a_screen(ilk: Ilk, command: str) -> None:
    said = ilk(command, "--help")
    assert said.code == 0
    assert len(said.out.splitlines()) <= SCREEN


def test_the_commands_are_those_and_each_takes_the_common_options() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    assert tuple(commands) == COMMANDS
    for name, command in commands.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--quiet", "--json", "--debug"} <= options, name
        assert "--seed" in options or name == "resume"


def test_the_version(ilk: Ilk) -> None:
    assert ilk("--version").out == f"ilk {__version__}\n"


def test_nothing_at_all_is_help(ilk: Ilk) -> None:
    said = ilk()
    assert said.code == 2
    assert "Usage: ilk" in said.out + said.err


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("serach run x", "No such command 'serach'. Did you mean 'search'? See: ilk --help"),
        ("fit pets --epoch 1", "No such option: --epoch. Did you mean --epochs? See: ilk fit --help"),
        ("evaluate run pets --josn", "No such option: --josn. Did you mean --json? See: ilk evaluate --help"),
        ("fit pets --wibble", "No such option: --wibble. See: ilk fit --help"),
        ("fit pets --time", "Option '--time' requires an argument."),
        ("fit", "Missing argument 'DATA'. See: ilk fit --help"),
        (
            "check pets dogs",
            "Got unexpected extra argument(s) (dogs). Put a path or value that holds a space in quotes. "
            "See: ilk check --help",
        ),
        (
            "embed run x --max-pixels 0",
            "'0' is no number of pixels. Write for instance 5000000 or 100M. See: ilk embed --help",
        ),
    ],
)
def test_slips_are_named_and_guessed(ilk: Ilk, tmp_path: Path, line: str, sentence: str) -> None:
    said = ilk(*line.split())
    assert (said.code, said.out) == (2, "")
    assert said.error == sentence
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["evaluate", "predict", "embed", "search", "resume"])
def test_an_unknown_run_is_guessed(ilk: Ilk, finished: Finished, tmp_path: Path, command: str) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "pets").symlink_to(finished.run)
    what = () if command == "resume" else (finished.data,)
    said = ilk(command, "runs/pest", *what)
    assert said.code == 2
    assert said.error == f"The run runs/pest does not exist. Did you mean {Path('runs/pets')}?"
    assert "holds no config.json" in ilk(command, tmp_path, *what).error


def test_a_damaged_model_is_refused(ilk: Ilk, finished: Finished, tmp_path: Path) -> None:
    run = shutil.copytree(finished.run, tmp_path / "run")
    weights = run / "model" / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    before = snapshot(run)
    for command in ("evaluate", "predict", "embed"):
        said = ilk(command, run, finished.data)
        assert (said.code, said.out) == (4, "")
        assert "weights.safetensors" in said.error
    assert snapshot(run) == before


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (MemoryError(), 5, "Out of memory"),
        (OSError(errno.ENOSPC, "No space left on device", "/full/x"), 5, "The disk is full: /full/x"),
        (PermissionError(errno.EACCES, "Permission denied", "/closed"), 1, "Permission denied: /closed"),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (ZeroDivisionError("by zero"), 1, "ZeroDivisionError: by zero. This is a fault of Ilk; --debug shows where."),
    ],
)
def test_every_failure_has_its_code_and_one_sentence(
    ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, sentence: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("ilk.data.load", fail)
    said = ilk("check", pets)
    assert said.code == code
    assert said.error.startswith(sentence)
    said = ilk("check", pets, "--json")
    assert said.events == [{"error": said.error, "exit_code": code}]
    debug = ilk("check", pets, "--debug")
    assert debug.code == code
    assert "Traceback" in debug.err or isinstance(error, KeyboardInterrupt)
    assert debug.err.splitlines()[-1].startswith(f"error: {sentence}")


def test_errors_are_json_too(ilk: Ilk) -> None:
    said = ilk("check", "nowhere", "--json")
    assert said.code == 3
    assert said.events == [{"error": said.error, "exit_code": 3}]


def test_the_program_exits_with_the_code() -> None:
    done = python("import sys; from ilk.cli import main; sys.exit(main())", "predict", "nowhere", "x")
    assert done.returncode == 2
    assert re.fullmatch(r"error: The run nowhere does not exist\. .*\n", done.stderr)
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("line", "code"),
    [("--help", 0), ("fit --help", 0), ("--version", 0), ("check DATA", 0), ("check nowhere --json", 3), ("", 2)],
)
def test_a_reader_that_leaves_is_no_fault(pets: Path, line: str, code: int) -> None:
    """As in `ilk check pets | head -0`: the exit code is that of the command, and nothing is complained of."""
    arguments = [str(pets) if word == "DATA" else word for word in line.split()]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "ilk", *arguments],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(writer)
    assert done.returncode == code
    assert [said for said in done.stderr.splitlines() if not said.startswith("error: nowhere does not exist")] == []


@pytest.mark.parametrize(
    ("text", "count"), [("5000000", 5_000_000), ("100M", 10**8), ("1.5k", 1500), ("2g", 2 * 10**9)]
)
def test_counts_as_people_write_them(text: str, count: int) -> None:
    assert parsed_count(text) == count


def test_main_reads_the_command_line_of_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ilk", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("ilk ")


def test_a_closed_stream_is_no_fault() -> None:
    """As after `2>&-`."""
    program = (
        "import sys; sys.stdout = sys.stderr = None; from ilk.cli import main; sys.exit(main(['describe', 'nope']))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 2
