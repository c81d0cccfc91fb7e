"""Ilk from a terminal: one function per command, errors in one sentence, exit codes that scripts can trust."""

from __future__ import annotations

import atexit
import difflib
import errno
import io
import os
import re
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
from ilk.cli.map import map_run
from ilk.cli.predict import predict
from ilk.cli.resume import resume
from ilk.cli.search import search
from ilk.cli.verify import verify
from ilk.errors import IlkError

INTERRUPTED = 130
MEANT = {
    **dict.fromkeys(("train", "learn", "run"), "fit"),
    **dict.fromkeys(("classify", "label", "infer"), "predict"),
    **dict.fromkeys(("eval", "test", "score"), "evaluate"),
    **dict.fromkeys(("continue", "restart"), "resume"),
    **dict.fromkeys(("find", "query", "similar"), "search"),
    **dict.fromkeys(("validate", "audit", "inspect"), "check"),
    **dict.fromkeys(("plot", "project", "tsne", "umap"), "map"),
    **dict.fromkeys(("visualize", "interpret", "attribute", "why"), "explain"),
    **dict.fromkeys(("summary", "summarize", "info", "profile"), "describe"),
    **dict.fromkeys(("save", "pack", "onnx", "bundle"), "export"),
}
"""Commands of other programs, and ours for the same."""

app = typer.Typer(
    name="ilk",
    help="From a folder of images and a few labels to a classifier, a search and a map.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (demo, check, fit, resume, evaluate, predict, embed, search):
    app.command()(command)
app.command("map")(map_run)
app.command()(explain)
app.command()(describe)
app.command()(export)
app.command()(verify)


@app.callback(invoke_without_command=True)
def _version(version: bool = typer.Option(False, "--version", help="The version, and nothing else.")) -> None:
    if version:
        print(f"ilk {__version__}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> int:  # noqa: PLR0911  (one return per exit code)
    """Run one command and return its exit code; the console script `ilk`.

    0 ok · 1 unexpected · 2 usage · 3 data · 4 model refused · 5 out of disk or memory · 6 diverged · 130 interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  (closed by whoever began us)
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):  # a terminal without the letters of a file name shows their numbers
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if "MPLCONFIGDIR" not in os.environ:  # else matplotlib keeps its list of fonts in the user's home
        fonts = os.path.join(tempfile.gettempdir(), f"ilk-{secrets.token_hex(8)}")
        os.environ["MPLCONFIGDIR"] = fonts
        atexit.register(shutil.rmtree, fonts, ignore_errors=True)
    try:
        code = app(args=given, prog_name="ilk", standalone_mode=False) or 0
        if code == INTERRUPTED:  # typer has caught a KeyboardInterrupt
            return _refuse(given, "Interrupted.", code, KeyboardInterrupt())
        return code
    except typer.Exit as leaving:
        return leaving.exit_code
    except typer.TyperException as error:
        if not given:  # `ilk` alone has printed its help
            return 2
        return _refuse(given, _with_guess(error), 2, error)
    except IlkError as error:
        return _refuse(given, str(error), error.exit_code, error)
    except (KeyboardInterrupt, typer.Abort) as error:
        return _refuse(given, "Interrupted.", INTERRUPTED, error)
    except MemoryError as error:
        return _refuse(given, "Out of memory. Give fewer images, or a smaller --size.", 5, error)
    except BrokenPipeError:  # the reader of a help page has left
        hang_up()
        return 0
    except Exception as error:
        return _refuse(given, *_unexpected(error), error)


def _unexpected(error: Exception) -> tuple[str, int]:
    """Words and exit code for what no command foresaw."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"The disk is full: {error.filename or 'writing failed'}. Free some space.", 5
    if isinstance(error, OSError):
        return f"{error.strerror or error}: {error.filename}. Give a path that you may read and write.", 1
    if isinstance(error, RuntimeError) and re.search("out of memory|allocate memory", str(error)):  # torch's own
        return "Out of memory. Give fewer images, or a smaller --size.", 5
    return f"{type(error).__name__}: {error}. This is a fault of Ilk; --debug shows where.", 1


def _refuse(given: list[str], text: str, code: int, error: BaseException) -> int:
    if "--debug" in given:
        traceback.print_exception(error)
    put(f"error: {text}", aside=True)
    if "--json" in given:
        put(to_line({"error": text, "exit_code": code}))
    return code


def _with_guess(error: typer.TyperException) -> str:
    """A usage error in one sentence, with the nearest option where one was mistyped."""
    wrong = getattr(error, "option_name", None) if type(error).__name__ == "NoSuchOption" else None
    if wrong is None:
        text = getattr(error, "format_message", lambda: str(error))()
    else:
        context = getattr(error, "ctx", None)
        known = [name for parameter in context.command.params for name in parameter.opts] if context else []
        names = [name.removeprefix("--") for name in known if name.startswith("--")]
        near = difflib.get_close_matches(wrong.lstrip("-"), names, n=1)
        text = f"No such option: {wrong}." + (f" Did you mean --{near[0]}?" if near else "")
    text = text.removeprefix("Invalid value: ")
    text = text if text.endswith((".", "?", "!")) else f"{text}."
    if "extra argument" in text:
        text += " Put a path or value that holds a space in quotes."
    unknown = re.fullmatch("No such command '(.+)'\\..*", text)
    if unknown and unknown[1] in MEANT:
        text = f"No such command '{unknown[1]}'. Did you mean '{MEANT[unknown[1]]}'?"
    context = getattr(error, "ctx", None)
    return text + (f" See: {context.command_path} --help" if context else "")
