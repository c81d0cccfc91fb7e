"""How the commands behave where they are typed: pipes that close, Ctrl-C, narrow and plain terminals, odd locales."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ilk.cli import console as console_module
from ilk.cli import main
from ilk.cli.console import Console
from ilk.runs.recorder import Recorder
from tests.finished_runs import SHORT, Finished, Ilk

ROOT = Path(__file__).resolve().parents[2]
DECORATION = re.compile(r"\x1b\[[0-9;]*m")
COLOR = re.compile(r"\x1b\[[0-9;]*3[0-7]m")


def program(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """`python -m ilk` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "ilk", *map(str, arguments)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


class Screen:
    """What a terminal was sent."""

    text = ""


@contextmanager
def terminal(
    monkeypatch: pytest.MonkeyPatch, columns: int = 80, out: bool = True, encoding: str = "utf-8"
) -> Iterator[Screen]:
    """Stands in for stderr, and for stdout too if `out`; what it was sent is in `.text` afterwards."""
    screen, parts = Screen(), []
    reader, writer = pty.openpty()
    termios.tcsetwinsize(writer, (24, columns))
    monkeypatch.setenv("COLUMNS", str(columns))

    def read() -> None:
        try:
            while part := os.read(reader, 4096):
                parts.append(part)
        except OSError:  # the other end is closed
            return

    with monkeypatch.context() as patched, open(writer, "w", encoding=encoding) as stream:
        patched.setattr(sys, "stderr", stream)
        if out:
            patched.setattr(sys, "stdout", stream)
        thread = threading.Thread(target=read)
        thread.start()
        yield screen
    thread.join(10)
    os.close(reader)
    screen.text = b"".join(parts).decode()


def test_it_is_a_module_too() -> None:
    done = program("--version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"ilk ")


COMMANDS = ("check", "predict", "embed", "evaluate", "search", "resume", "explain", "describe")


def line_of(command: str, finished: Finished) -> list[str]:
    image = sorted((finished.data / "test" / "dot").iterdir())[0]
    run = str(finished.run)
    return {
        "check": ["check", str(finished.data)],
        "predict": ["predict", run, str(finished.data), "--out", "p.csv"],
        "embed": ["embed", run, str(finished.data), "--out", "e.parquet"],
        "evaluate": ["evaluate", run, str(finished.data)],
        "search": ["search", run, str(image)],
        "resume": ["resume", run],
        "explain": ["explain", run, str(image), "--out", "why.html"],
        "describe": ["describe", "neighbor-mnist"],
    }[command]


@pytest.mark.parametrize("command", COMMANDS)
def test_json_lines_and_nothing_else_on_stdout(ilk: Ilk, finished: Finished, command: str) -> None:
    said = ilk(*line_of(command, finished), "--json")
    assert said.code == 0
    assert said.events


def test_fit_and_demo_say_json_lines_only(ilk: Ilk, pets: Path) -> None:
    said = ilk("fit", pets, *SHORT, "--out", "new", "--json")
    assert {event["event"] for event in said.events} >= {"data", "epoch", "ready"}
    said = ilk("demo", "--out", "demo", "--epochs", "0.1", "--json")
    assert said.code == 0
    assert said.events[-1]["n"] == 500


ANSWERS = {
    **{"predict": "p.csv\n", "embed": "e.parquet\n", "resume": "", "explain": "why.html\n"},
    "describe": "134,944 parameters, 13,048,384 multiply-adds per image\n",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_quiet_leaves_the_answer_and_warnings(ilk: Ilk, finished: Finished, command: str) -> None:
    loud, quiet = ilk(*line_of(command, finished)), ilk(*line_of(command, finished), "--quiet")
    assert quiet.code == 0
    assert quiet.out == ANSWERS.get(command, loud.out)
    assert all(line.startswith("warning: ") for line in quiet.err.splitlines())


def test_a_result_that_takes_the_place_of_another_is_said_even_when_quiet(
    ilk: Ilk, finished: Finished, tmp_path: Path
) -> None:
    run = shutil.copytree(finished.run, tmp_path / "run")
    for command in ("predict", "embed"):
        assert ilk(command, run, finished.data, "--quiet").err == ""
        assert "is replaced; name another place by --out" in ilk(command, run, finished.data, "--quiet").err


def test_a_reader_that_leaves_stops_no_work(finished: Finished, tmp_path: Path, pets: Path) -> None:
    """As in `ilk fit pets | head -1`: the words are lost, the run is not."""
    for arguments, made in (
        (["fit", str(pets), *SHORT, "--out", "new"], "new/report.html"),
        (["predict", str(finished.run), str(pets), "--out", "p.csv"], "p.csv"),
    ):
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            [sys.executable, "-m", "ilk", *arguments],
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, b"")
        assert (tmp_path / made).is_file()


def test_the_log_tells_the_whole_story(ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "on_step", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        assert ilk("fit", pets, *SHORT, "--out", "new").code == 130
    assert ilk("resume", "new").code == 0
    lines = Path("new/train.log").read_text("utf-8").splitlines()
    said = [line[20:].split()[0] for line in lines]
    assert said == ["Data", "Labels", "Plan", "Spread", "epoch", "Stopped", "Resume", "epoch", "epoch", "ready"], lines
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in lines)


def stop_at(step: int, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    def stop(self: Recorder, now: int, total: int | None) -> None:
        for _ in range(times if now == step else 0):
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Recorder, "on_step", stop)


def test_ctrl_c_names_what_is_really_there(ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        stop_at(1, patched, times=2)
        said = ilk("fit", pets, *SHORT, "--out", "new")
    assert said.code == 130
    assert said.error == "Stopped at once. No checkpoint was saved yet. Begin again with: ilk resume new"
    with monkeypatch.context() as patched:
        stop_at(1, patched, times=1)
        said = ilk("resume", "new")
    assert said.error == "Stopped after step 1; the state is saved. Go on with: ilk resume new"
    with monkeypatch.context() as patched:
        stop_at(2, patched, times=2)
        said = ilk("resume", "new")
    assert said.error == "Stopped at once. Go on from step 1 with: ilk resume new"

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ilk.data.load", stop)
    said = ilk("fit", pets, *SHORT, "--out", "other")
    assert (said.code, said.error) == (130, "Interrupted while the images were read; nothing was written.")
    assert not Path("other").exists()


def test_a_terminal_gets_a_bar_and_leaves_it_clean(ilk: Ilk, pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with terminal(monkeypatch) as screen:
        assert main(["fit", str(pets), *SHORT, "--out", "new"]) == 0
    assert "━" in screen.text
    assert "Train" in screen.text
    assert screen.text.count("\x1b[?25l") == screen.text.count("\x1b[?25h")  # the cursor comes back
    assert "Ready" in screen.text


def test_words_for_a_file_do_not_land_on_the_terminal(
    pets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """As in `ilk fit pets --json > events.jsonl`, typed on a terminal."""
    monkeypatch.setenv("TERM", "xterm")
    with terminal(monkeypatch, out=False) as screen:
        assert main(["fit", str(pets), *SHORT, "--out", str(tmp_path / "new"), "--json"]) == 0
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert events == ["data", "epoch", "epoch", "epoch", "ready"]
    assert '"event"' not in screen.text


@pytest.mark.parametrize("name", ["dumb", "unknown"])
def test_a_plain_terminal_gets_plain_lines(pets: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TERM", name)
    monkeypatch.setattr(console_module, "SECONDS_BETWEEN_LINES", 0)
    with terminal(monkeypatch) as screen:
        assert main(["check", str(pets)]) == 0
        assert main(["check", str(pets), "--no-such"]) == 2
    assert "\x1b" not in screen.text
    assert "24 found" in screen.text
    assert "Reading 24 of 24" in screen.text


def test_no_color_is_honored(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    texts = []
    for _ in range(2):
        with terminal(monkeypatch) as screen, Console().progress("Reading") as update:
            update(1, 2)
        texts.append(screen.text)
        monkeypatch.setenv("NO_COLOR", "1")
    assert COLOR.search(texts[0])
    assert not COLOR.search(texts[1])


def test_a_narrow_terminal_breaks_nothing(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    with terminal(monkeypatch, columns=40) as screen, Console().progress("Reading") as update:
        for done in range(3):
            update(done, 100_000)
    bars = [DECORATION.sub("", part) for part in re.split(r"\r|\n|\x1b\[[0-9]*[A-LN-Za-ln-z]", screen.text)]
    assert any("Reading" in part for part in bars)
    assert max(map(len, bars)) <= 40
    with terminal(monkeypatch, columns=40) as screen:
        assert main(["fit", "--help"]) == 0
        assert main(["check", str(pets)]) == 0
    assert "24 found" in screen.text


def test_in_a_pipe_progress_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(console_module.time, "monotonic", lambda: now[0])
    with Console().progress("Reading") as update:
        for done in range(100):
            now[0] += 0.5
            update(done, 100)
    err = capsys.readouterr().err
    assert err.splitlines() == [f"Reading {done} of 100" for done in (19, 39, 59, 79, 99)]


NAMES = ("café", "\N{CAT FACE}", "\udcff-latin")


@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}])
def test_names_beyond_the_locale_crash_nothing(pets: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    (pets / "bar").rename(pets / NAMES[0])
    (pets / "dot").rename(pets / NAMES[1])
    data = pets.rename(tmp_path / NAMES[2])
    for options in ((), ("--json",)):
        done = program("check", data, *options, **environment)
        assert (done.returncode, done.stderr.count(b"Traceback")) == (0, 0), done
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert set(events[-1]["classes"]) == {"cross", *NAMES[:2]}


def test_a_run_of_odd_names_is_told_on_an_ascii_terminal(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.chdir(tmp_path)
    (pets / "bar").rename(pets / NAMES[1])
    with terminal(monkeypatch, encoding="ascii") as screen:
        assert main(["fit", str(pets), *SHORT, "--out", NAMES[2]]) == 0
        assert main(["check", str(tmp_path / NAMES[2])]) == 3
    assert "\\U0001f431" in screen.text
    assert (tmp_path / NAMES[2] / "train.log").read_bytes().count(b" epoch  ") == 3
