"""Ilk from a terminal: one function per command, errors in one sentence, exit codes that scripts can trust."""

from __future__ import annotations

import atexit
import io
import os
import secrets
import shutil
import sys
import tempfile
import traceback
from collections.abc import Sequence

import typer

from ilk import __version__
from ilk.cli.check import check
from ilk.cli.console import hang_up, put, to_line
from ilk.cli.demo import demo
from ilk.cli.describe import describe
from ilk.cli.embed import embed
from ilk.cli.evaluate import evaluate
from ilk.cli.explain import explain
from ilk.cli.export import export
from ilk.cli.fit import fit
from ilk.cli.map import map_command
from ilk.cli.option_names import with_options
from ilk.cli.options import TYPED
from ilk.cli.predict import predict
from ilk.cli.refusals import INTERRUPTED, reader_has_left, refusal_of
from ilk.cli.resume import resume
from ilk.cli.search import search
from ilk.cli.verify import verify

app = typer.Typer(
    name="ilk",
    help="From a folder of images and a few labels to a classifier, a search and a map.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (demo, check, fit, resume, evaluate, predict, embed, search):
    app.command()(command)
app.command("map")(map_command)
app.command()(explain)
app.command()(describe)
app.command()(export)
app.command()(verify)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="The version, and nothing else.")) -> None:
    if version:
        put(f"ilk {__version__}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; the console script `ilk`.

    0 ok · 1 unexpected · 2 usage · 3 data · 4 model refused · 5 out of disk or memory · 6 diverged · 130 interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    TYPED.set(tuple(given))
    _prepare_streams()
    _prepare_libraries()
    out = sys.stdout
    try:
        code = app(args=given, prog_name="ilk", standalone_mode=False) or 0
        if code == INTERRUPTED:  # typer has caught it
            raise KeyboardInterrupt
        return code
    except typer.Exit as leaving:
        return leaving.exit_code
    except BaseException as error:
        if reader_has_left(error):
            sys.stdout = out  # typer has wrapped it
            hang_up()
            return 0 if given else 2
        if isinstance(error, SystemExit):
            raise
        if isinstance(error, typer.TyperException) and not given:  # `ilk` alone has printed its help
            return 2
        return _refuse(given, error)


def _prepare_streams() -> None:
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (closed by whoever began us)
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):  # a terminal without the letters of a file name shows their numbers
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _prepare_libraries() -> None:
    if "MPLCONFIGDIR" not in os.environ:  # else matplotlib keeps its list of fonts in the user's home
        fonts = os.path.join(tempfile.gettempdir(), f"ilk-{secrets.token_hex(8)}")
        os.environ["MPLCONFIGDIR"] = fonts
        atexit.register(shutil.rmtree, fonts, ignore_errors=True)


def _refuse(given: list[str], error: BaseException) -> int:
    text, code = refusal_of(error)
    if "--debug" in given:
        traceback.print_exception(error)
    text = with_options(text)
    put(f"error: {text}", aside=True)
    if "--json" in given:
        put(to_line({"error": text, "exit_code": code}))
    return code
